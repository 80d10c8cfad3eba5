from __future__ import annotations

import subprocess
import sys

import pytest

from codetune.app.quick_scores import quick_line, quick_scores
from codetune.evaluation.metrics.scored import Task

REFERENCE = "def add(a, b):\n    return a + b"


def test_an_equal_answer_has_full_marks() -> None:
    assert quick_scores(REFERENCE, REFERENCE) == {"chrf": 100.0, "edit_similarity": 1.0, "tree_similarity": 1.0}
    assert quick_line(REFERENCE, REFERENCE) == "chrF 100.00 · Edit similarity 1.0000 · Tree similarity 1.0000"


@pytest.mark.parametrize(("task", "chrf"), [("python", 100.0), ("text", 84.42)])
def test_an_answer_in_markdown_is_scored_by_its_code_where_answers_are_code(task: Task, chrf: float) -> None:
    assert quick_scores(f"Sure:\n```python\n{REFERENCE}\n```", REFERENCE, task)["chrf"] == pytest.approx(chrf, abs=0.01)


@pytest.mark.parametrize("answer", ["", "def add(", "\ud800", "\0", "(" * 5000])
def test_an_answer_that_is_no_program_is_scored_all_the_same(answer: str) -> None:
    scores = quick_scores(answer, REFERENCE)
    assert scores["tree_similarity"] == 0.0
    assert scores["edit_similarity"] < 0.8


def test_one_character_of_difference() -> None:
    # Levenshtein by hand: 1 edit in 31 characters.
    assert len(REFERENCE) == 31
    assert quick_scores(REFERENCE.replace("+", "-"), REFERENCE)["edit_similarity"] == pytest.approx(1 - 1 / 31)


def test_no_encoder_is_loaded_for_it() -> None:
    code = (
        "import sys; from codetune.app.quick_scores import quick_line; quick_line('a', 'b');"
        "print([name for name in ('torch', 'transformers', 'bert_score') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
