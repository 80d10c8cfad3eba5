"""What nlpaug makes of an instruction, and what it leaves alone."""

import random
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codetune.data.augment.paraphrase import Paraphraser, _asking, differences, isolated_draws, seed_draws
from codetune.data.augment.verify import rejection
from tests.conftest import run_python
from tests.data.augment.conftest import draw, text_before_changes

TEXT = (
    "Write a Python function `merge` with parameters `left` and `right`. Returns a new dictionary, e.g. for 'a key', "
    "based on the given keys, without the left ones. It does not change `left` in 2 cases."
)


def test_same_seed_same_text(paraphraser):
    assert draw(paraphraser, TEXT, 1) == draw(paraphraser, TEXT, 1)
    assert len({draw(paraphraser, TEXT, seed).text for seed in range(20)}) > 15


def test_changing_the_changes_back_gives_the_original(paraphraser):
    for seed in range(30):
        drawn = draw(paraphraser, TEXT, seed)
        assert (
            text_before_changes(replace(drawn, text=drawn.text.replace("?", "."))) == TEXT
        )  # a question ends with its own mark


def test_share_and_minimum_of_changes(table):
    places = len(Paraphraser(table, 1.0, 1)._finder.places(TEXT))
    assert places == 8
    assert len(draw(Paraphraser(table, 1.0, 1), TEXT, 5).changes) == 8
    assert len(draw(Paraphraser(table, 0.5, 1), TEXT, 5).changes) == 5  # half of the 2 * 8 + 1 tokens' half, rounded up
    assert len(draw(Paraphraser(table, 0.01, 1), TEXT, 5).changes) == 1
    assert len(draw(Paraphraser(table, 0.01, 3), TEXT, 5).changes) == 3


@pytest.mark.parametrize("text", ["", "  ", "`x`", "No phrase here.", "Returns \ue000 a list.", "Returns \ue0017 it."])
def test_nothing_to_change(paraphraser, text):
    drawn = draw(paraphraser, text, 1)
    assert (drawn.text, drawn.changes) == (text, ())


def test_white_space_around_is_kept(paraphraser):
    drawn = draw(paraphraser, f"\n  {TEXT} \n", 1)
    assert drawn.text.startswith("\n  ")
    assert drawn.text.endswith(". \n")
    assert drawn.changes


def test_grammar_of_a_first_sentence(paraphraser):
    text = "Write a Python function `f` with parameter `x`. Returns a list."
    leads = {draw(paraphraser, text, seed).text.partition("`x`")[2] for seed in range(300)}
    assert ". Gives back a list." in leads
    assert ". The function returns a list." in leads
    assert not any(re.search(r"(should|must|to) \w+s ", lead) for lead in leads)


def test_global_generators_are_given_back(paraphraser):
    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    draw(paraphraser, TEXT, 1)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


def test_nlpaug_comes_without_torch():
    code = (
        "import sys; from codetune.data.augment.paraphrase import Paraphraser; "
        "from codetune.data.augment.table import load_table; Paraphraser(load_table(), 0.5, 1); "
        "assert 'nlpaug' in sys.modules; print([name for name in ('torch', 'transformers') if name in sys.modules]); "
        "import importlib.util; assert importlib.util.find_spec('torch')"
    )
    shown = run_python("-c", code)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("original", "changed", "pairs"),
    [
        ("Sort the rows.", "Sort the rows.", ()),
        ("Sort the rows.", "Sort  the\nrows.", ()),
        ("Sort the rows.", "Order the lines.", (("Sort", "Order"), ("rows.", "lines."))),
        ("Sort the rows.", "Put them in order.", (("Sort", "Put"), ("the", "them"), ("rows.", "in"), ("", "order."))),
        ("Sort all the rows.", "Sort the rows.", (("all", ""),)),
        ("", "Sort.", (("", "Sort."),)),
    ],
)
def test_differences(original, changed, pairs):
    assert differences(original, changed) == pairs


# What must survive is looked for in another way than the code's own: by what the test itself put in.
HELD = ["`x`", "`max_items`", "'give back'", '"the given list"', "not", "never", "without", "3.5", "42", "-1", "two",
        "os.path", "HTTPServer", "isn't", "self.items", "/etc/a.txt", "run(x)", "no", "[1, 2]", "JSON"]  # fmt: skip
LOOSE = ["Returns a list of all rows.", "compute the sum", "a new dictionary", "the given", "as well as", "based on",
         "and returns", "Check whether the", "using the", "an additional", "key", "of", "which is", "e.g.", "if needed",
         "to remove the", "for each", "item", "Creates a"]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.one_of(st.sampled_from(HELD), st.sampled_from(LOOSE)), min_size=1, max_size=12),
    seed=st.integers(0, 2**63),
)
def test_what_is_protected_survives_in_order(paraphraser, parts, seed):
    text = f"Write a Python function `f` with parameter `y`. {' '.join(parts)} end."
    drawn = draw(paraphraser, text, seed)
    if rejection(text, drawn.text) is None:
        rest = drawn.text
        for part in ["`f`", "`y`", *(part for part in parts if part in HELD)]:
            assert part in rest, (part, drawn.text)
            rest = rest[rest.index(part) + len(part) :]
        for part in ("not", "never", "without", "no", "isn't"):
            count = re.compile(rf"(?<!\w){part}(?!\w)")
            assert len(count.findall(drawn.text)) == len(count.findall(text))
        assert re.findall(r"\d+", drawn.text) == re.findall(r"\d+", text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(), seed=st.integers(0, 2**63))
def test_any_text_comes_back_whole_or_changed(paraphraser, text, seed):
    drawn = draw(paraphraser, text, seed)
    assert (drawn.text == text) == (not drawn.changes)


QUESTION = "Can you write a Python function named `f` with parameter `x`"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (f"{QUESTION}. It adds 1.5 to `x.`. Then more.", f"{QUESTION}? It adds 1.5 to `x.`. Then more."),
        (f"{QUESTION} to add one, e.g. two. `x` stays.", f"{QUESTION} to add one, e.g. two? `x` stays."),
        (f"{QUESTION} to add one.", f"{QUESTION} to add one?"),
        (f"{QUESTION}. return a list. Then more.", f"{QUESTION}? return a list. Then more."),
        ("No stop", "No stop"),
    ],
)
def test_question_mark_ends_the_first_sentence(text, asked):
    assert _asking(text) == asked


def test_questions_are_drawn_with_their_mark(table):
    paraphraser = Paraphraser(table, 1.0, 2)
    with isolated_draws():
        seed_draws(3)
        drawn = {
            paraphraser.draw("Write a Python function `f` with parameter `x`. Add `x` to the sum.").text
            for _ in range(200)
        }
    asked = [text for text in drawn if text.startswith(("Can you", "Could you", "How would"))]
    assert asked
    assert all(text.count("?") == 1 for text in asked)
    assert not any("?" in text for text in drawn if text not in asked)
    assert any(text.startswith("Python function") for text in drawn)
