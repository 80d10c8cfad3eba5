"""Words from a masked language model, on a tiny random one."""

import pytest
from transformers import AutoModel

from codetune.core.errors import UserError
from codetune.data.augment.contextual import ContextualParaphraser, may_change
from codetune.data.augment.protection import protected_texts
from tests.data.augment.conftest import WORDS, draw, make_params, text_before_changes

OPENING = "Write a Python function `sort_rows` with parameters `x_rows` and `x_key`. "
TEXT = OPENING + "Return a new list of all values: the first 3, not 'a  b', come from data.  Sort it.\n"


def contextual(model, **changes):
    values = {"model": str(model), "change_share": 0.5, "top_k": 60, **changes}
    return make_params(method="contextual", contextual=values).contextual


@pytest.fixture(scope="module")
def drawer(masked_model):
    return ContextualParaphraser(contextual(masked_model), min_changes=1)


def test_draws_follow_from_the_seed(drawer):
    assert draw(drawer, TEXT, 1) == draw(drawer, TEXT, 1)
    assert len({draw(drawer, TEXT, seed).text for seed in range(8)}) > 4


def test_only_ordinary_words_of_the_description_change(drawer):
    for seed in range(8):
        drawn = draw(drawer, TEXT, seed)
        assert drawn.text.startswith(OPENING + "Return a ")
        assert drawn.text.endswith(".  Sort it.\n")
        assert protected_texts(drawn.text) == protected_texts(TEXT)
        assert drawn.changes
        for old, new in drawn.changes:
            assert {word.strip(":,.") for word in new.split()} <= set(WORDS)
            assert not {"all", "the", "first", "not", "from"} & set(old.split())


def test_changing_the_changes_back_gives_the_original(drawer):
    assert text_before_changes(draw(drawer, TEXT, 3)) == TEXT


@pytest.mark.parametrize("share", [0.01, 1.0])
def test_share_of_words(masked_model, share):
    text = OPENING + "return new list data values string."
    drawn = draw(ContextualParaphraser(contextual(masked_model, change_share=share), 2), text, 1)
    words = sum(len(old.split()) for old, _ in drawn.changes)
    assert words == 2 if share < 1 else words >= 5  # a word for which there is no other stays


@pytest.mark.parametrize("text", ["", "  ", "`x`", OPENING, "Fill [MASK] of it.", "In on it, `a`."])
def test_nothing_to_change(drawer, text):
    drawn = draw(drawer, text, 1)
    assert (drawn.text, drawn.changes, drawn.unchanged) == (text, (), "nothing_to_change")


def test_a_text_that_the_model_cannot_read_is_said_to_be_too_long(drawer):
    drawn = draw(drawer, "values " * 300, 1)
    assert (drawn.changes, drawn.unchanged) == ((), "too_long")


def test_words_that_stay():
    assert not any(may_change(word) for word in ("with", "least", "all", "before"))
    assert may_change("values")


def test_a_model_without_a_head_for_words_is_refused(masked_model, tmp_path):
    AutoModel.from_pretrained(masked_model).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((masked_model / name).read_bytes())
    with pytest.raises(UserError, match=r"augment\.contextual\.model: .* has no weights for cls\.predictions"):
        draw(ContextualParaphraser(contextual(tmp_path), 1), TEXT, 1)


def test_pickles_are_refused(tmp_path):
    for name in ("config.json", "tokenizer.json", "pytorch_model.bin"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UserError, match=r"augment\.contextual\.model: .* holds no safetensors"):
        draw(ContextualParaphraser(contextual(tmp_path), 1), TEXT, 1)
