"""The section Data of the page Compare: rows that came and went, out of the DVC cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from codetune.ledger.ledger import LEDGER_PATH
from tests.app.words import words
from tests.ledger.conftest import ROWS, commit_ledger
from tests.support.sample_project import Project, write_reports

Open = Callable[..., AppTest]


@pytest.fixture
def two_ledgers(copied_sample: Project) -> Project:
    """Two measured commits whose ledgers differ, with a DVC cache that has both."""
    root = copied_sample.root
    (root / ".gitignore").write_text("models/\n/data\n/.dvc/cache\n/.dvc/tmp\n")
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("")
    write_reports(root, tuned=0.5, rank=8)
    before = commit_ledger(root, ROWS[:5], 5)
    write_reports(root, tuned=0.6, rank=16)
    after = commit_ledger(root, [*ROWS[1:], ROWS[0] | {"split": "val"}], 6)
    return Project(root, {"before": before, "after": after})


def _count(page: AppTest) -> AppTest:
    return page.button(key="count_rows").click().run()


def test_rows_are_counted_when_asked_for(open_page: Open, two_ledgers: Project) -> None:
    page = open_page(two_ledgers.root, {"baseline": two_ledgers.commits["before"], "candidate": "main"})
    assert "moved to another split" not in words(page)
    text = words(_count(page))
    assert '<th role="rowheader" scope="row">came</th>' in text
    assert "<code>nest</code>" in text
    assert '<th role="rowheader" scope="row">moved to another split</th>' in text
    assert '<th role="rowheader" scope="row">unchanged</th>' in text


def test_what_is_not_in_the_cache_is_told_with_the_command(open_page: Open, two_ledgers: Project) -> None:
    shutil.rmtree(two_ledgers.root / ".dvc" / "cache")
    page = _count(open_page(two_ledgers.root, {"baseline": two_ledgers.commits["before"], "candidate": "main"}))
    text = words(page)
    assert "is not in the DVC cache" in text
    assert f"`dvc fetch --all-commits {LEDGER_PATH}`" in text
    assert "The candidate is" in text


def test_without_dvc_the_section_says_so(open_page: Open, sample: Project, tmp_path: Path) -> None:
    page = open_page(sample.root, {"baseline": sample.commits["empty"], "candidate": "main"})
    assert "Data" not in [part.value for part in page.subheader]  # one measured revision by itself
    shutil.copytree(sample.root, tmp_path / "p")
    (tmp_path / "p" / "dvc.lock").unlink()
    write_reports(tmp_path / "p", tuned=0.7, lock=False)
    assert "lists none" in words(_count(open_page(tmp_path / "p"))) or "not a DVC project" in words(page)
