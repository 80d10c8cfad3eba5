"""The table of the exported files."""

import pytest

from codetune.reporting.parity_table import parity_note, parity_page, parity_rows
from tests.support.parity_report import parity_report


def test_the_rows_say_what_was_measured():
    first, adapter, tuned = parity_rows(parity_report())
    assert first == ["torch (measured)", "–", "–", "0.571", "–", "0.125 (0.070 to 0.210)", "–"]
    assert adapter == [
        "adapter-f16", "88 of 100 (80 to 93 %)", "31 (12 to 60.5)", "0.570", "-0.001 (-0.004 to +0.002)",
        "0.138 (0.080 to 0.225)", "+0.013 (-0.013 to +0.040)",
    ]  # fmt: skip
    assert tuned[1:3] == ["100 of 100 (96 to 100 %)", "–"]


def test_what_was_not_run_is_said():
    report = parity_report()
    page = parity_page(report)
    assert "(50 of held_out, 50 of humaneval), at most 256 tokens" in page
    assert "pass@1 is over the 80 prompts with tests" in page
    assert "The answers were not run" not in page
    for part in (report["torch"], *report["forms"].values()):
        del part["pass@1"]
    del report["tested"]
    report["not_run"] = {"adapter-f32": "there is no GGUF file of its base model"}
    assert [row[-2:] for row in parity_rows(report)] == [["–", "–"]] * 3
    page = parity_page(report)
    assert "Not run: `adapter-f32`, because there is no GGUF file of its base model." in page
    assert "The answers were not run" in page
    assert "pass@1 is over" not in parity_note(report)


def test_a_report_of_another_form_is_an_error():
    with pytest.raises(KeyError):
        parity_rows({"prompts": 3})
