"""An answer as the page shows it: prose, code, and which part is scored."""

import pytest
from streamlit.testing.v1 import AppTest

from codetune.app.ui.answer_parts import Part, parts_of, prose_markdown

ADD = "def add(a, b):\n    return a + b"
USE = "print(add(1, 2))"
SCORED = Part(ADD, "python", scored=True)


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        (ADD, [SCORED]),
        (ADD[:-4], [Part(ADD[:-4], "python", scored=True)]),
        (f"```python\n{ADD}\n```", [SCORED]),
        (f"```python\n{ADD}", [SCORED]),
        (f"So:\n```python\n{ADD}\n```\nDone.", [Part("So:", None), SCORED, Part("Done.", None)]),
        (f"```\n{USE}\n```\n```python\n{ADD}\n```", [Part(USE, ""), SCORED]),
        (f"{ADD}\n```\nIt adds.", [SCORED, Part("It adds.", None)]),
        (f"So:\n\n{ADD}\n\nIt adds.", [Part("So:", None), SCORED, Part("\n\nIt adds.", None)]),
        ("```json\n{}\n```", [Part("{}", "json")]),
        ("I do not know.", [Part("I do not know.", None)]),
        ("", []),
    ],
)
def test_the_parts_of_an_answer(answer, parts):
    assert parts_of(answer, "python") == parts


def test_nothing_is_taken_out_of_text():
    parts = parts_of(f"So:\n```python\n{ADD}\n```", "text")
    assert parts == [Part("So:", None), Part(ADD, "python")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A **bold** word, `x_y`.", "A **bold** word, `x_y`\\."),
        ("- one\n* two\n1. three", "- one  \n* two  \n1. three"),
        ("[a](javascript:b)", "\\[a\\]\\(javascript\\:b\\)"),
        ("<b>!", "\\<b\\>\\!"),
        ("# Title", "\\# Title"),
        ("        far", "   far"),
        ("one\n\ntwo", "one\n\ntwo"),
    ],
)
def test_prose_has_lists_bold_and_code_and_nothing_else(text, shown):
    assert prose_markdown(text) == shown


def script(answer: str, mark: bool) -> None:
    from codetune.app.ui.answer_parts import draw_answer

    draw_answer(answer, "python", mark=mark)


@pytest.mark.parametrize("mark", [True, False])
def test_what_is_scored_is_said_where_it_is_not_all(mark):
    def captions(answer: str) -> list[str]:
        page = AppTest.from_function(script, args=(answer, mark)).run()
        assert not page.exception
        assert not any(part.allow_html for part in page.markdown)
        return [part.value for part in page.caption]

    assert captions(f"So:\n```python\n{ADD}\n```") == ["This part is scored:"] * mark
    assert captions(ADD) == []
    assert captions("<script>") == ["No code was found in this answer: it is scored as an empty one."] * mark
