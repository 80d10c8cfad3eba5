from __future__ import annotations

import json
import multiprocessing
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from codetune.app.feedback import (
    FEEDBACK,
    MAX_CHARS,
    PARAMS_SNIPPET,
    Correction,
    KeepResult,
    is_held_out,
    is_source,
    keep,
    read_feedback,
)
from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.core.files import read_jsonl
from codetune.core.tables import read_table
from codetune.data.ingest.params import IngestParams
from stages import ingest

HOUSE = Path(__file__).parents[2]


def correction(**changes: str) -> Correction:
    texts = {
        "instruction": "Write a Python function `double` with parameter `x`. Returns twice `x`.",
        "completion": "def double(x):\n    return 2 * x",
        "answer": "def double(x):\n    return x",
        "model": "tuned",
        "revision": "workspace",
    }
    return Correction(**{**texts, **changes})


def test_a_row_has_what_was_asked_and_who_answered(tmp_path: Path) -> None:
    assert keep(tmp_path, correction()) == KeepResult(1, new=True)
    assert keep(tmp_path, correction(completion="def double(x):\n    return x + x\n")) == KeepResult(2, new=True)
    rows = read_feedback(tmp_path)
    assert rows[0] == {"id": correction().id, **vars(correction())}
    assert len({row["id"] for row in rows}) == 2
    assert len((tmp_path / FEEDBACK).read_text().splitlines()) == 2


def test_the_same_row_is_kept_once_whoever_answered(tmp_path: Path) -> None:
    keep(tmp_path, correction())
    assert keep(tmp_path, correction(model="base", answer="x")) == KeepResult(1, new=False)
    assert len(read_feedback(tmp_path)) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"instruction": "  "}, "the instruction is empty"),
        ({"completion": "\n"}, "the corrected answer is empty"),
        ({"completion": "x" * (MAX_CHARS + 1)}, "the limit is 20000"),
        ({"completion": "\ud800"}, "half a character"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        keep(tmp_path, correction(**changes))
    assert not (tmp_path / FEEDBACK).exists()


def test_rows_written_by_hand_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / FEEDBACK
    path.parent.mkdir()
    by_hand = '{"instruction":"i","completion":"c"}'
    path.write_text(by_hand)  # no newline at the end
    keep(tmp_path, correction())
    assert path.read_text().splitlines()[0] == by_hand
    assert [row["completion"] for row in read_feedback(tmp_path)] == ["c", correction().completion]


def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FEEDBACK
    path.parent.mkdir()
    path.write_text('{"instruction": "i", "comp')
    with pytest.raises(UserError, match=r"feedback.jsonl:1 is not JSON"):
        keep(tmp_path, correction())
    assert path.read_text() == '{"instruction": "i", "comp'


def test_a_failure_while_writing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path, correction())
    before = (tmp_path / FEEDBACK).read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("the disk is gone")))
    with pytest.raises(OSError, match="the disk is gone"):
        keep(tmp_path, correction(completion="pass"))
    assert (tmp_path / FEEDBACK).read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["feedback.jsonl"]


def _keep_some(root: Path, writer: int) -> None:
    for number in range(10):
        keep(root, correction(instruction=f"Ask {writer} {number}."))


def test_sessions_that_keep_at_once_lose_no_row(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_keep_some, args=(tmp_path, writer)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    rows = read_jsonl(tmp_path / FEEDBACK)
    assert len({row["instruction"] for row in rows}) == len(rows) == 40


def snippet() -> dict[str, str]:
    (source,) = YAML(typ="safe").load(PARAMS_SNIPPET)
    return source


def test_the_file_is_a_source_of_the_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keep(tmp_path, correction())
    keep(tmp_path, correction(instruction='Escape `<b>` & "quotes"\nin two lines.', completion="def é():\n\n    pass"))
    with (tmp_path / "params.yaml").open("w") as stream:
        YAML().dump({"ingest": {"sources": [snippet()], "max_file_kb": 1024, "workers": 1}}, stream)
    assert is_source(tmp_path)
    manifest = ingest.run(load_section(IngestParams), ingest.Outputs(raw=tmp_path / "raw"))
    rows = read_table(tmp_path / "raw/rows.parquet")
    assert [(row["instruction"], row["completion"]) for row in rows] == [
        (row["instruction"], row["completion"]) for row in read_feedback(tmp_path)
    ]
    assert {row["license"] for row in rows} == {"MIT"}
    assert manifest["rows_skipped"] == {}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ingest: {sources: [{type: table, path: ./data/feedback.jsonl}]}", True),
        ("ingest: {sources: [{type: table, path: data/other.jsonl}, 7]}", False),
        ("ingest: {sources: null}", False),
        ("ingest: 7", False),
        ("train: {}", False),
    ],
)
def test_whether_the_pipeline_reads_it(tmp_path: Path, text: str, named: bool) -> None:
    (tmp_path / "params.yaml").write_text(text)
    assert is_source(tmp_path) is named


def test_prompts_of_the_test_set_are_known_whatever_the_spaces() -> None:
    asked = ["Write  a function.", "Another"]
    assert is_held_out("Write a\nfunction. ", asked)
    assert not is_held_out("Write a function", asked)


def test_the_project_itself_starts_without_it() -> None:
    """The default pipeline must not change when an answer is kept, and git must be able to take the file."""
    assert not is_source(HOUSE)
    assert str(FEEDBACK) not in (HOUSE / "dvc.yaml").read_text()
    ignored = subprocess.run(["git", "check-ignore", "-q", str(FEEDBACK)], cwd=HOUSE, check=False)
    assert ignored.returncode == 1


def test_the_docs_say_how_the_next_run_learns_from_it() -> None:
    text = " ".join((HOUSE / "docs/data.md").read_text().split())
    assert PARAMS_SNIPPET in text
    assert json.dumps(str(FEEDBACK)).strip('"') in text
