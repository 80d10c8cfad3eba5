from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from textwrap import dedent

import pytest

from codetune.core.errors import UserError
from codetune.evaluation.alignment import worker as module
from codetune.evaluation.alignment.result import Alignment
from codetune.evaluation.alignment.worker import AlignmentWorker

FOUND = Alignment(["a"], ["b"], [[0.5]], [True], [True], 0.5, 0.5, 0.5, signature="s")


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[AlignmentWorker]:
    """A worker whose process answers what it was asked, and dies when asked for it."""
    (tmp_path / "json.py").write_text("raise SystemExit('a module of the project must not be imported')")
    (tmp_path / "echo.py").write_text(
        dedent(f"""
        import json, os, sys, time
        print("what libraries print goes elsewhere", file=sys.stderr)
        for line in sys.stdin:
            asked = json.loads(line)["answer"]
            if asked == "die":
                sys.exit(1)
            if asked == "sleep":
                time.sleep(10)
            if asked == "fail":
                print(json.dumps({{"error": "there is no encoder", "remedy": "Run `make install`."}}), flush=True)
            else:
                print(json.dumps({asdict(FOUND)!r} | {{"answer": [asked], "signature": str(os.getpid())}}), flush=True)
        """)
    )
    found = AlignmentWorker(tmp_path, ("echo.py",))
    yield found
    found.close()


def test_one_process_answers_one_question_after_the_other(worker: AlignmentWorker) -> None:
    first, second = (worker.align({}, "r", text) for text in ("one", "two"))
    assert (first.answer, second.answer) == (["one"], ["two"])
    assert first.signature == second.signature


def test_a_process_that_died_is_told_and_started_again(worker: AlignmentWorker) -> None:
    before = worker.align({}, "r", "one").signature
    with pytest.raises(UserError, match="could not be aligned"):
        worker.align({}, "r", "die")
    assert worker.align({}, "r", "one").signature != before


def test_one_that_takes_too_long_is_ended(worker: AlignmentWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.5)
    with pytest.raises(UserError, match="could not be aligned"):
        worker.align({}, "r", "sleep")


def test_what_is_wrong_comes_back_with_its_remedy(worker: AlignmentWorker) -> None:
    with pytest.raises(UserError, match=r"there is no encoder\. Run `make install`\."):
        worker.align({}, "r", "fail")


def test_asking_brings_no_torch_here() -> None:
    code = "import sys, codetune.evaluation.alignment.worker; assert not {'torch', 'transformers'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.long  # the button in the browser test of the samples starts the same process
def test_the_real_process_aligns(tmp_path: Path, tiny_bert: Path) -> None:
    worker = AlignmentWorker(tmp_path)
    section = {"model": str(tiny_bert), "revision": None, "layer": 1, "baseline_pairs": 1}
    try:
        assert worker.align(section, "a b", "a").reference == ["[CLS]", "a", "b", "[SEP]"]
    finally:
        worker.close()
