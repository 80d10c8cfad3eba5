"""There and back again: placeholders, on a translator that obeys; and real code, on a tiny random model."""

import pytest
import torch

from codetune.core.errors import UserError
from codetune.data.augment.translation import (
    BackTranslationParaphraser,
    TranslationModels,
    restore_placeholders,
    with_placeholders,
)
from codetune.data.augment.verify import rejection
from tests.data.augment.conftest import draw, make_params

OPENING = "Write a Python function `f` with parameters `x` and `y`. "
TEXT = OPENING + "Return the 2 rows of `x`, not those of 'a b'."


def section(model, **changes):
    values = {"forward": {"model": str(model)}, "back": {"model": str(model)}, "temperature": 0.7, "max_tokens": 24}
    return make_params(method="back_translation", back_translation={**values, **changes}).back_translation


@pytest.mark.parametrize(
    ("text", "sent", "held"),
    [
        ("Return the 2 rows of `x`.", "Return the X0 rows of X1.", ["2", "`x`"]),
        ("It is X1, not `X0`.", "It is X0, X1 X2.", ["X1", "not", "`X0`"]),  # what holds a digit is protected itself
        ("No names.", "X0 names.", ["No"]),
        ("", "", []),
    ],
)
def test_placeholders_there_and_back(text, sent, held):
    assert with_placeholders(text) == (sent, held)
    assert restore_placeholders(sent, held) == text


def test_a_placeholder_of_the_translator_is_left():
    assert restore_placeholders("X0 and X7.", ["`x`"]) == "`x` and X7."


@pytest.mark.parametrize(
    ("translated", "text", "reason"),
    [
        ("Give back the X0 lines of X1, X2 the ones of X3.",
         OPENING + "Give back the 2 lines of `x`, not the ones of 'a b'.", None),
        ("Give back the lines of X1, X2 the ones of X3.",
         OPENING + "Give back the lines of `x`, not the ones of 'a b'.", "protected_changed"),
        ("Give back the X1 lines of X0, X2 the ones of X3.",
         OPENING + "Give back the `x` lines of 2, not the ones of 'a b'.", "protected_changed"),
        ("", OPENING, "protected_changed"),
    ],
)  # fmt: skip
def test_the_opening_stays_and_names_come_back(translation_model, monkeypatch, translated, text, reason):
    sent = []

    def predict(_, texts, **__):
        sent.append(texts)
        return translated

    monkeypatch.setattr(TranslationModels, "predict", predict)
    drawn = draw(BackTranslationParaphraser(section(translation_model)), TEXT)
    assert sent == ["Return the X0 rows of X1, X2 those of X3."]
    assert drawn.text == text
    assert drawn.changes
    assert rejection(TEXT, drawn.text) == reason


def test_draws_follow_from_the_seed(translation_model):
    drawer = BackTranslationParaphraser(section(translation_model))
    assert draw(drawer, TEXT, 1) == draw(drawer, TEXT, 1)
    assert len({draw(drawer, TEXT, seed).text for seed in range(4)}) > 1
    assert all(draw(drawer, TEXT, seed).text.startswith(OPENING) for seed in range(4))


def test_without_temperature_every_draw_is_the_likeliest(translation_model):
    drawer = BackTranslationParaphraser(section(translation_model, temperature=0.0))
    assert len({draw(drawer, TEXT, seed).text for seed in range(4)}) == 1


def test_global_generator_of_torch_is_left_as_it_was(translation_model):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    draw(BackTranslationParaphraser(section(translation_model)), TEXT)
    assert torch.equal(before, torch.random.get_rng_state())


def test_empty_and_long_texts(translation_model):
    drawer = BackTranslationParaphraser(section(translation_model))
    assert draw(drawer, OPENING).unchanged == "nothing_to_change"
    assert draw(drawer, "").changes == ()
    long = draw(drawer, "values " * 100)
    assert (long.changes, long.unchanged) == ((), "too_long")


def test_the_model_that_is_missing_is_named(translation_model):
    drawer = BackTranslationParaphraser(section(translation_model, back={"model": "no/such/folder"}))
    with pytest.raises(
        UserError, match=r"augment\.back_translation\.back\.model: there is no file or folder no/such/folder"
    ):
        draw(drawer, TEXT)


def test_a_model_that_does_not_translate_is_refused(masked_model):
    with pytest.raises(
        UserError, match=r"back_translation\.forward\.model: .* cannot be loaded as AutoModelForSeq2Seq"
    ):
        draw(BackTranslationParaphraser(section(masked_model)), TEXT)
