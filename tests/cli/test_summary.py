"""The metrics of the last run as a table for the terminal."""

from codetune.cli.summary import execution_table, metrics_table

SCORES = {"bertscore": {"f1": 0.5}} | dict.fromkeys(
    ("code_bertscore", "chrf", "bleu", "exact_match", "syntax_valid", "expected_form", "stopped"), 0.25
)
INTERVAL = {"mean": 0.0, "low": -0.1, "high": 0.1}
GAINS = dict.fromkeys(("f1", "code_bertscore", "chrf", "bleu", "syntax_valid", "expected_form"), INTERVAL)


def test_every_metric_has_a_line_and_its_gain():
    lines = metrics_table({"base": SCORES, "tuned": SCORES, "gain": GAINS}).splitlines()
    assert "Expected form             25.0 %    25.0 %   0.0 pp (\u221210.0 pp to +10.0 pp)" in lines
    assert len(lines) == 9


def test_what_an_older_report_lacks_is_left_out():
    older = {key: value for key, value in SCORES.items() if key != "expected_form"}
    table = metrics_table({"base": older, "tuned": older, "gain": GAINS})
    assert "Expected form" not in table
    assert len(table.splitlines()) == 8


def test_the_share_that_passes_has_a_line_for_each_set_that_was_run():
    run = {"base": {"pass@1": 0.1}, "tuned": {"pass@1": 0.3}, "gain": {"mean": 0.2, "low": 0.05, "high": 0.35}}
    told = execution_table(
        {"held_out": {**run, "problems": 20, "won": ["a"] * 5, "lost": ["b"]}, "mine": {"problems": 0}}
    )
    assert told == "pass@1 held_out           0.1000    0.3000   +0.2000 (+0.0500 to +0.3500), 5 won, 1 lost of 20"
    assert execution_table({}) == ""
