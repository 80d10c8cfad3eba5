"""A small project with a ledger, its files, and revisions of it in git and in the DVC cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from codetune.core.files import write_json, write_jsonl, write_text
from codetune.core.tables import write_table
from codetune.ledger.ledger import LEDGER_PATH
from codetune.schemas.ledger import LEDGER
from tests.support.model_revisions import lock, put_in_cache
from tests.support.sample_project import commit, git
from tests.support.tables import dropped_row, instruction_row, ledger_row, manifest, paraphrase, prompt_scores

OLD_COLUMNS = ("id", "package", "path", "qualname", "reason", "split", "matched", "similarity")

ROWS = [
    ledger_row("aaaa000000000001", qualname="Tree.load"),
    dropped_row("aaaa000000000002", "code_too_long", qualname="Tree.dump", start_line=30, end_line=120,
            measure="code_lines", measured=91.0, threshold=60.0),
    dropped_row("bbbb000000000003", "near_duplicate", path="lark/deep/core.py", qualname="Forest.load", measure="similarity",
            measured=0.84, threshold=0.7, matched="aaaa000000000001", similarity=0.84),
    dropped_row("cccc000000000004", "decorated", path="lark/deep/other.py", found="@cache", qualname="load_all"),
    ledger_row("dddd000000000005", group="wren", package="wren", path="wren/sing.py", qualname="sing", split="test"),
    ledger_row("dddd000000000006", group="robin", package="robin", path="robin/nest.py", qualname="nest", split="val"),
]  # fmt: skip


def write_ledger(path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...] = tuple(LEDGER.columns)) -> None:
    schema = pa.schema([LEDGER.arrow.field(column) for column in columns])
    write_table(path, [{column: row[column] for column in columns} for row in rows], schema)


def write_data(root: Path) -> None:
    """Write the files around the ledger, as the stages do."""
    write_ledger(root / LEDGER_PATH, ROWS)
    write_jsonl(root / "data/clean/train.jsonl", [instruction_row()])
    write_jsonl(root / "data/clean/test.jsonl", [instruction_row("dddd000000000005")])
    write_jsonl(root / "data/augmented/train.jsonl", [instruction_row(), paraphrase()])
    write_json(root / "data/raw/manifest.json", manifest())
    write_jsonl(root / "reports/scores.jsonl", [prompt_scores("dddd000000000005")])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project with all files that the history of a row is read from."""
    write_data(tmp_path)
    return tmp_path


def commit_ledger(
    root: Path, rows: list[dict[str, Any]], when: int, columns: tuple[str, ...] = tuple(LEDGER.columns)
) -> str:
    """Commit dvc.lock of a run that wrote this ledger, with the file in the DVC cache. Return the commit id."""
    path = root / LEDGER_PATH
    write_ledger(path, rows, columns)
    lock(root, {"path": LEDGER_PATH, "hash": "md5", "md5": put_in_cache(root, path.read_bytes())})
    return commit(root, f"run {when}", when)


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """A project with the tags `none` (no run yet), `old` (older columns) and `new`; the workspace equals `new`."""
    git(tmp_path, "init", "-q", "-b", "main")
    write_text(tmp_path / ".gitignore", "/data\n/.dvc/cache\n/.dvc/tmp\n")
    write_text(tmp_path / ".dvc/config", "")
    commit(tmp_path, "start", 0)
    git(tmp_path, "tag", "none")
    commit_ledger(tmp_path, ROWS[:5], 1, OLD_COLUMNS)
    git(tmp_path, "tag", "old")
    changed = [
        ROWS[0] | {"split": "val"},
        ROWS[1] | {"verdict": "keep", "reason": "keep", "split": "train", "measured": None, "threshold": None},
        ROWS[2] | {"id": "bbbb0000000000ff"},
        *ROWS[3:],
    ]
    commit_ledger(tmp_path, changed, 2)
    git(tmp_path, "tag", "new")
    return tmp_path
