"""The labelled lines of secrets and addresses, and that they are judged as docs/data.md says."""

from benchmarks import secret_detection


def test_there_are_enough_lines_of_both_kinds_and_the_same_ones_every_time():
    lines = secret_detection.labelled_lines()
    assert lines == secret_detection.labelled_lines()
    assert len(lines) >= 300
    assert min(sum(bool(line.secret) for line in lines), sum(not line.secret for line in lines)) >= 100


def test_every_line_is_judged_right():
    assert secret_detection.misclassified_lines(secret_detection.labelled_lines()) == []


def test_a_secret_that_is_left_in_part_is_counted(monkeypatch):
    [line, *_] = secret_detection.labelled_lines()
    monkeypatch.setattr(secret_detection, "without_secrets", lambda text: text.replace(line.secret[:8], "REDACTED"))
    assert secret_detection.misclassified_lines([line]) == [line]
