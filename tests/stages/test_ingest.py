"""The ingest stage whole, on sources made here; no network."""

import json
from pathlib import Path

import pytest

from codetune.core.errors import UserError
from codetune.core.files import digest_file, read_json
from codetune.core.tables import read_table
from codetune.data.ingest import sources as module
from codetune.data.ingest.params import IngestParams
from codetune.data.ingest.report import describe
from codetune.data.ingest.sources import read_sources
from stages import ingest
from tests.data.ingest.test_folder import write
from tests.support.crashing import MARK, read_chunk_or_crash
from tests.support.wheels import make_wheel

SOURCE = 'def f(a):\n    """Return a."""\n    return a\n'
FUNCTION = {"kind": "function", "qualname": "f", "start_line": 1, "end_line": 3, "signature": "f(a)",
            "docstring": "Return a.", "instruction": None, "completion": None}  # fmt: skip


def params(*sources, workers=1, max_file_kb=64):
    return IngestParams.model_validate({"sources": list(sources), "max_file_kb": max_file_kb, "workers": workers})


def packages(tmp_path, **changes):
    return {
        "type": "packages",
        "name": "packages",
        "file": str(tmp_path / "packages.txt"),
        "cache": str(tmp_path),
        "max_wheel_mb": 1,
    } | changes


@pytest.fixture
def project(tmp_path):
    lines = []
    for name, sources in {"b_pkg": {"b.py": SOURCE}, "a_pkg": {"a.py": SOURCE * 2, "bad.py": "def f(:"}}.items():
        _, digest = make_wheel(tmp_path, name, sources)
        lines.append(f"{name.replace('_', '-')}==1.0 --hash=sha256:{digest}\n")
    (tmp_path / "packages.txt").write_text("".join(lines))
    return tmp_path


def folder(root: Path, files: dict[str, str | bytes]) -> dict:
    write(root, files)
    return {"type": "folder", "name": root.name, "path": str(root), "license": "MIT"}


def table(path: Path, count: int) -> dict:
    rows = [{"instruction": f"Say {number}.", "output": f"It is {number}."} for number in range(count)]
    path.write_text(json.dumps([*rows, {"instruction": "", "output": "x"}]))
    return {"type": "table", "name": "t", "path": str(path), "license": "CC0-1.0"}


def test_rows_files_and_manifest(project):
    manifest = ingest.run(params(packages(project)), ingest.Outputs(raw=project / "raw"))
    rows = read_table(project / "raw/rows.parquet")
    assert [row["package"] for row in rows] == ["a-pkg", "a-pkg", "b-pkg"]
    assert len({row["id"] for row in rows}) == 3
    assert rows[0] | {"id": "", "code": ""} == {
        "id": "", "source": "packages", "group": "a-pkg", "package": "a-pkg", "version": "1.0", "license": "MIT",
        "license_evidence": "License-Expression: MIT", "path": "a.py", "code": "", **FUNCTION,
    }  # fmt: skip
    assert {file["path"] for file in read_table(project / "raw/files.parquet")} == {"a.py", "bad.py", "b.py"}
    assert manifest["files_skipped"] == {"syntax_error": 1}
    assert read_json(project / "raw/manifest.json") == manifest
    assert [(entry["package"], entry["rows"]) for entry in manifest["sources"][0]["packages"]] == [
        ("a-pkg", 2),
        ("b-pkg", 1),
    ]


def test_sources_mix(project):
    mine = folder(project / "mine", {"pkg/a.py": SOURCE, "b.py": SOURCE})
    chosen = params(packages(project), mine, table(project / "t.json", 40) | {"limit": 10})
    manifest = ingest.run(chosen, ingest.Outputs(raw=project / "raw"))
    rows = read_table(project / "raw/rows.parquet")
    assert [row["source"] for row in rows] == ["packages"] * 3 + ["mine"] * 2 + ["t"] * 10
    assert [(row["group"], row["license"]) for row in rows[3:5]] == [("mine/b.py", "MIT"), ("mine/pkg", "MIT")]
    assert len({row["id"] for row in rows}) == 15
    pair = rows[-1]
    assert pair["completion"] == pair["instruction"].replace("Say", "It is")
    assert (pair["license"], pair["license_evidence"]) == ("CC0-1.0", "params.yaml: license of t")
    assert manifest["rows_skipped"] == {"instruction_empty": 1, "over_limit": 30}
    assert [entry["seen"] for entry in manifest["sources"]] == [3, 2, 41]


def test_limit_takes_the_same_rows_from_any_order(tmp_path):
    source = table(tmp_path / "t.json", 40) | {"limit": 7}
    first = [row["id"] for row in read_sources(params(source))[0].harvest.rows]
    (tmp_path / "t.json").write_text(json.dumps(json.loads((tmp_path / "t.json").read_text())[::-1]))
    assert sorted(first) == sorted(row["id"] for row in read_sources(params(source))[0].harvest.rows)


def test_groups_of_a_table_fill_three_splits_or_follow_a_column(tmp_path):
    source = table(tmp_path / "t.json", 200)
    groups = {row["group"] for row in read_sources(params(source))[0].harvest.rows}
    assert len(groups) > 50
    named = source | {"columns": {"instruction": "instruction", "completion": "output", "group": "output"}}
    assert {row["group"] for row in read_sources(params(named))[0].harvest.rows} == {
        f"t/It is {n}." for n in range(200)
    }


def test_a_package_in_two_sources_is_taken_once(project):
    first, second = read_sources(params(packages(project), packages(project, name="again")))
    assert (len(first.harvest.rows), len(second.harvest.rows)) == (3, 0)
    assert second.harvest.rows_skipped["in_an_earlier_source"] == 3


def test_standard_library(tmp_path, monkeypatch):
    folder(tmp_path / "lib", {"json/a.py": SOURCE, "site-packages/x.py": SOURCE})
    monkeypatch.setattr(module.sysconfig, "get_path", lambda _: str(tmp_path / "lib"))
    (found,) = read_sources(params({"type": "stdlib", "name": "stdlib"}))
    assert [(row["group"], row["path"], row["license"]) for row in found.harvest.rows] == [
        ("stdlib/json", "json/a.py", "PSF-2.0")
    ]


BROKEN: dict[str, tuple[str | bytes, str | None]] = {
    "latin.py": (("# coding: latin-1\n" + SOURCE.replace("Return", "Réturn")).encode("latin-1"), None),
    "bom.py": (b"\xef\xbb\xbf" + SOURCE.encode(), None),
    "crlf.py": (SOURCE.replace("\n", "\r\n"), None),
    "long_line.py": (f"x = '{'y' * 1_000_000}'\n{SOURCE}", None),
    "no_cookie.py": ("x = 'é'\n".encode("latin-1"), "undecodable"),
    "python2.py": ("print 'two'\n" + SOURCE, "python_2"),
    "newer.py": ("type A = int\n" + SOURCE, "newer_syntax"),
    "broken.py": ("def f(:", "syntax_error"),
    "null.py": ("x = '\0'", "null_byte"),
    "deep.py": ("x = " + "-" * 100_000 + "1", "too_deep"),
    "deeper.py": ("x = " + "(" * 10_000, "too_deep"),
    "empty.py": ("", "empty"),
    "blank.py": ("\n\n", "empty"),
    "silent.py": ("x = 1\n", "nothing_documented"),
    "large.py": ("#" * 2_000_000, "too_large"),
    "surrogate.py": ('def f():\n    """Return \\ud800 a."""\n    return 1\n', ""),
    "deadly.py": (f"{SOURCE}# {MARK.decode()}\n", "parser_died"),
}  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
def test_every_broken_file_is_counted_and_stops_nothing(tmp_path, workers):
    source = folder(tmp_path / "mine", {name: content for name, (content, _) in BROKEN.items()})
    (tmp_path / "mine/loop").symlink_to(tmp_path / "mine")
    (found,) = read_sources(params(source, workers=workers, max_file_kb=1500), read_chunk_or_crash)
    reasons = sorted([reason for _, reason in BROKEN.values() if reason] + ["linked_folder"])
    assert sorted(found.harvest.skipped.elements()) == reasons
    assert [row["path"] for row in found.harvest.rows] == sorted(
        name for name, (_, reason) in BROKEN.items() if reason is None
    )
    assert found.harvest.rows_skipped["undecodable"] == 1
    assert found.harvest.died == ["mine/deadly.py"]
    rows = {row["path"]: row for row in found.harvest.rows}
    assert rows["latin.py"]["docstring"] == "Réturn a."
    assert rows["crlf.py"]["code"] == SOURCE.rstrip()
    assert found.facts["seen"] == len(BROKEN) + 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, r"mine: no row was found \(number of Python files: 0; skipped: none\)"),
        (
            {"a.py": "x = 1\n", "b.py": "def f(:"},
            r"number of Python files: 2; skipped: nothing_documented 1, syntax_error 1\)",
        ),
    ],
)
def test_a_source_without_a_row_is_refused(tmp_path, project, files, expected):
    (tmp_path / "mine").mkdir()
    source = folder(tmp_path / "mine", files)
    with pytest.raises(UserError, match=expected):
        ingest.run(params(packages(project), source), ingest.Outputs(raw=tmp_path / "raw"))
    assert not (tmp_path / "raw").exists()


def test_dry_run_says_what_comes_and_what_does_not(tmp_path):
    mine = folder(tmp_path / "mine", {"a.py": SOURCE, "b.py": "def f(:"})
    before = sorted(tmp_path.rglob("*"))
    text = "\n".join(describe(read_sources(params(mine, table(tmp_path / "t.json", 40)))))
    assert "mine (folder): 1 rows, 2 files" in text
    assert "files without a row: syntax_error 1" in text
    assert "t (table): 40 rows, 0 files" in text
    assert "rows skipped: instruction_empty 1" in text
    assert text.count("instruction: ") == 4
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "t.json"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"type": "table", "name": "t", "path": "nowhere.json"}, "ingest.sources, t: nowhere.json does not exist"),
        ({"type": "table", "name": "t", "path": "."}, "ingest.sources, t: . is not a file"),
        ({"type": "folder", "name": "f", "path": "nowhere"}, "nowhere is not a folder"),
        ({"type": "hub", "name": "h", "path": "some/data"}, "a hub id needs its pinned commit"),
        ({"type": "packages", "name": "p", "file": "nowhere.txt"}, "nowhere.txt does not exist"),
    ],
)
def test_mistakes_are_one_sentence(source, expected):
    with pytest.raises(UserError) as caught:
        read_sources(params(source))
    assert expected in str(caught.value)


def test_same_bytes_for_any_number_of_workers(project):
    digests = []
    for workers in (1, 2):
        ingest.run(params(packages(project), workers=workers), ingest.Outputs(raw=project / "raw"))
        digests.append([digest_file(path) for path in sorted((project / "raw").iterdir())])
    assert digests[0] == digests[1]


def test_failure_keeps_previous_outputs(project):
    ingest.run(params(packages(project)), ingest.Outputs(raw=project / "raw"))
    before = digest_file(project / "raw/rows.parquet")
    path, digest = make_wheel(project, "c_pkg", {"c.py": SOURCE}, spoil="c.py")
    with (project / "packages.txt").open("a") as stream:
        stream.write(f"c-pkg==1.0 --hash=sha256:{digest}\n")
    with pytest.raises(UserError, match=path.name.split("-")[0]):
        ingest.run(params(packages(project)), ingest.Outputs(raw=project / "raw"))
    assert digest_file(project / "raw/rows.parquet") == before
