"""The clean stage whole, on rows made here."""

import json

import pytest

from codetune.cleaning.params import CleanParams
from codetune.errors import UserError
from codetune.files import read_json, read_jsonl
from codetune.ingestion.harvest import FILES_SCHEMA, ROWS_SCHEMA
from codetune.tables import read_table, write_table
from stages import clean

PARAMS = CleanParams(
    seed=7, min_code_lines=2, max_code_lines=30, min_tokens=10, max_tokens=200, min_docstring_words=3,
    max_docstring_words=30, min_english=0.8, near_duplicate=0.7, test_share=0.2, val_share=0.2, workers=1,
)  # fmt: skip


def code(name: str, group: int, number: int) -> str:
    words = "\n".join(
        f"    {name}_{group}_{number}_{step} = pick_{group}_{number}(values, {step})" for step in range(6)
    )
    return f'def {name}(values):\n    """Return value {name} of group {group}."""\n{words}\n    return {name}_{group}_{number}_5'


def raw_row(group: int, number: int, text: str | None = None) -> dict:
    name = f"compute{number}"
    return {
        "id": f"{group:08}{number:08}", "source": "packages", "group": f"pkg{group}", "package": f"pkg{group}",
        "version": "1", "license": "MIT", "license_evidence": "", "path": f"pkg{group}/mod{number}.py", "kind": "function",
        "qualname": name, "start_line": 1, "end_line": 9, "signature": f"{name}(values)",
        "docstring": f"Return value {name} of group {group}.", "code": text or code(name, group, number),
    }  # fmt: skip


@pytest.fixture
def raw(tmp_path):
    rows = [raw_row(group, number) for group in range(12) for number in range(4)]
    rows.append(raw_row(0, 90, code("compute0", 0, 0)))
    rows.append(raw_row(1, 91, code("compute1", 1, 1).replace("(values, 3)", "(values, -3)")))
    rows.append(raw_row(3, 93, code("compute1", 3, 1).replace("compute1", "reckon").replace(", 3)", ", 7)")))
    rows.append(raw_row(2, 92, "def broken(:"))
    files = [
        {"group": row["group"], "package": row["package"], "version": "1", "license": "MIT", "path": row["path"],
         "sha256": row["id"], "text": row["code"] + "\n"} for row in rows
    ]  # fmt: skip
    write_table(tmp_path / "raw/rows.parquet", rows, ROWS_SCHEMA)
    write_table(tmp_path / "raw/files.parquet", files, FILES_SCHEMA)
    return tmp_path


def run(folder, params=PARAMS):
    outputs = clean.Outputs(clean=folder / "clean", report=folder / "data.json")
    return clean.run(params, clean.Inputs(raw=folder / "raw"), outputs)


def test_every_row_is_accounted_for(raw):
    report = run(raw)
    ledger = read_table(raw / "clean/ledger.parquet")
    assert len(ledger) == report["raw"] == 52
    assert report["kept"] + sum(report["dropped"].values()) == 52
    assert report["dropped"] == {
        "exact_duplicate": 1, "near_duplicate": 1, "renamed_duplicate": 1, "syntax_error": 1,
    }  # fmt: skip
    near = next(row for row in ledger if row["reason"] == "near_duplicate")
    assert near["matched"] in {row["id"] for row in ledger if row["reason"] == "keep"}
    assert 0.7 <= near["similarity"] < 1
    assert read_json(raw / "data.json") == json.loads(json.dumps(report))


def test_no_group_and_no_file_leaks(raw):
    report = run(raw)
    splits = {split: read_jsonl(raw / f"clean/{split}.jsonl") for split in ("train", "val", "test")}
    groups = {split: {row["group"] for row in rows} for split, rows in splits.items()}
    assert all(groups.values())
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["val"]
    assert not groups["val"] & groups["test"]
    corpus = {file["group"] for file in read_table(raw / "clean/corpus.parquet")}
    assert corpus == groups["train"]
    assert report["splits"] == {split: len(rows) for split, rows in splits.items()}


def test_same_bytes_for_any_number_of_workers(raw):
    contents = []
    for workers in (1, 2):
        run(raw, PARAMS.model_copy(update={"workers": workers}))
        contents.append([path.read_bytes() for path in sorted((raw / "clean").iterdir())])
    assert contents[0] == contents[1]


def test_too_little_data_is_named(raw):
    with pytest.raises(UserError, match=r"split train would be empty: 0 rows"):
        run(raw, PARAMS.model_copy(update={"min_tokens": 190}))


def pair_row(number: int) -> dict:
    nouns = ("house", "river", "cloud", "stone", "garden", "winter", "letter", "mirror", "bridge", "candle")
    asked = f"The {nouns[number % 10]} of the {nouns[number // 10]} is number {number}"
    return {
        "id": f"{number:016}", "source": "t", "group": f"t/{number % 40}", "package": "t", "version": "1", "license": "MIT",
        "license_evidence": "", "path": "t.csv", "kind": "pair", "qualname": f"row {number}", "start_line": number,
        "end_line": number, "signature": "", "docstring": "", "code": "", "instruction": asked, "completion": asked[::-1],
    }  # fmt: skip


def test_one_bilingual_table_fills_three_splits(tmp_path):
    rows = [pair_row(number) for number in range(100)]
    write_table(tmp_path / "raw/rows.parquet", rows, ROWS_SCHEMA)
    write_table(tmp_path / "raw/files.parquet", [], FILES_SCHEMA)
    report = run(tmp_path, PARAMS.model_copy(update={"task": "text"}))
    assert report["kept"] == 100
    assert all(count >= 10 for count in report["splits"].values())
    kept = [row for split in ("train", "val", "test") for row in read_jsonl(tmp_path / f"clean/{split}.jsonl")]
    assert {(row["instruction"], row["completion"]) for row in kept} == {
        (r["instruction"], r["completion"]) for r in rows
    }
    with pytest.raises(UserError, match="split train would be empty: 0 rows"):
        run(tmp_path, PARAMS)
