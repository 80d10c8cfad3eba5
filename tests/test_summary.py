"""The metrics of the last run as a table for the terminal."""

from codetune.__main__ import summary

SCORES = {"bertscore": {"f1": 0.5}} | dict.fromkeys(
    ("code_bertscore", "chrf", "bleu", "exact_match", "syntax_valid", "expected_form", "stopped"), 0.25
)
INTERVAL = {"mean": 0.0, "low": -0.1, "high": 0.1}
GAINS = dict.fromkeys(("f1", "code_bertscore", "chrf", "bleu", "syntax_valid", "expected_form"), INTERVAL)


def test_every_metric_has_a_line_and_its_gain():
    lines = summary({"base": SCORES, "tuned": SCORES, "gain": GAINS}).splitlines()
    assert "expected form           0.2500    0.2500   +0.0000 (-0.1000 to +0.1000)" in lines
    assert len(lines) == 9


def test_what_an_older_report_lacks_is_left_out():
    older = {key: value for key, value in SCORES.items() if key != "expected_form"}
    table = summary({"base": older, "tuned": older, "gain": GAINS})
    assert "expected form" not in table
    assert len(table.splitlines()) == 8
