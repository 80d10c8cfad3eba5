"""The labelled lines of secrets and addresses, and that they are judged as docs/data.md says."""

from benchmarks import leaks


def test_there_are_enough_lines_of_both_kinds_and_the_same_ones_every_time():
    lines = leaks.labelled_lines()
    assert lines == leaks.labelled_lines()
    assert len(lines) >= 300
    assert min(sum(bool(line.secret) for line in lines), sum(not line.secret for line in lines)) >= 100


def test_every_line_is_judged_right():
    assert leaks.misjudged(leaks.labelled_lines()) == []


def test_a_secret_that_is_left_in_part_is_counted(monkeypatch):
    [line, *_] = leaks.labelled_lines()
    monkeypatch.setattr(leaks, "without_secrets", lambda text: text.replace(line.secret[:8], "REDACTED"))
    assert leaks.misjudged([line]) == [line]
