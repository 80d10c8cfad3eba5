"""The ingest stage whole, on wheels made here; no network."""

import pytest

from codetune.errors import UserError
from codetune.files import digest_file
from codetune.ingestion.params import IngestParams
from codetune.tables import read_table
from stages import ingest
from tests.wheels import make_wheel

SOURCE = 'def f(a):\n    """Return a."""\n    return a\n'


def params(tmp_path, workers=1):
    return IngestParams(
        packages=str(tmp_path / "packages.txt"), cache=str(tmp_path), max_wheel_mb=1, max_file_kb=64, workers=workers
    )


@pytest.fixture
def project(tmp_path):
    lines = []
    for name, sources in {"b_pkg": {"b.py": SOURCE}, "a_pkg": {"a.py": SOURCE * 2, "bad.py": "def f(:"}}.items():
        _, digest = make_wheel(tmp_path, name, sources)
        lines.append(f"{name.replace('_', '-')}==1.0 --hash=sha256:{digest}\n")
    (tmp_path / "packages.txt").write_text("".join(lines))
    return tmp_path


def test_rows_files_and_manifest(project):
    manifest = ingest.run(params(project), ingest.Outputs(raw=project / "raw"))
    rows = read_table(project / "raw/rows.parquet")
    assert [row["package"] for row in rows] == ["a-pkg", "a-pkg", "b-pkg"]
    assert len({row["id"] for row in rows}) == 3
    assert rows[0] | {"id": "", "code": ""} == {
        "id": "", "source": "packages", "group": "a-pkg", "package": "a-pkg", "version": "1.0", "license": "MIT",
        "license_evidence": "License-Expression: MIT", "path": "a.py", "kind": "function", "qualname": "f",
        "start_line": 1, "end_line": 3, "signature": "f(a)", "docstring": "Return a.", "code": "",
    }  # fmt: skip
    assert {file["path"] for file in read_table(project / "raw/files.parquet")} == {"a.py", "bad.py", "b.py"}
    assert manifest["files_skipped"] == {"syntax_error": 1}


def test_same_bytes_for_any_number_of_workers(project):
    digests = []
    for workers in (1, 2):
        ingest.run(params(project, workers), ingest.Outputs(raw=project / "raw"))
        digests.append([digest_file(path) for path in sorted((project / "raw").iterdir())])
    assert digests[0] == digests[1]


def test_failure_keeps_previous_outputs(project):
    ingest.run(params(project), ingest.Outputs(raw=project / "raw"))
    before = digest_file(project / "raw/rows.parquet")
    path, digest = make_wheel(project, "c_pkg", {"c.py": SOURCE}, spoil="c.py")
    with (project / "packages.txt").open("a") as stream:
        stream.write(f"c-pkg==1.0 --hash=sha256:{digest}\n")
    with pytest.raises(UserError, match=path.name.split("-")[0]):
        ingest.run(params(project), ingest.Outputs(raw=project / "raw"))
    assert digest_file(project / "raw/rows.parquet") == before
