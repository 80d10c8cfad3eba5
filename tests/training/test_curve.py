"""The learning curve as DVCLive writes it."""

from pathlib import Path

from codetune.training.curve import learning_curve


def test_a_table_for_each_curve(tmp_path: Path) -> None:
    with learning_curve(tmp_path) as log:
        log(1, {"train/loss": 2.0})
        log(3, {"train/loss": 1.23456789})
    assert (tmp_path / "plots/metrics/train/loss.tsv").read_text() == "step\tloss\n1\t2.0\n3\t1.23457\n"


def test_no_file_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with learning_curve(tmp_path) as log:
        log(1, {"train/loss": 2.0})
    assert len(list(Path("/proc/self/fd").iterdir())) == before
