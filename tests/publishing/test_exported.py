"""Only a complete export is handed over, and only into an empty folder."""

import pytest

from codetune.core.files import write_json
from codetune.publishing.exported import EXPORT, REPORT, checked_file, exported_folder, gguf_files, new_folder
from tests.conftest import one_line


def write_export(root, *names):
    (root / EXPORT).mkdir(parents=True)
    for name in names:
        (root / EXPORT / name).write_text("{}")


def test_no_export_yet(tmp_path):
    with one_line("there is no exported model in models/export yet", "`dvc repro export`"):
        exported_folder(tmp_path)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["config.json", "README.md", "model.safetensors"], "lacks tokenizer.json"),
        (["config.json", "README.md", "tokenizer.json"], "lacks the weights"),
    ],
)
def test_an_incomplete_export(tmp_path, names, missing):
    write_export(tmp_path, *names)
    with one_line(missing, "`dvc repro export`"):
        exported_folder(tmp_path)


@pytest.mark.parametrize("content", [{"merge": {}}, [], {"gguf": {"files": 3}}])
def test_a_report_of_an_older_version(tmp_path, content):
    write_json(tmp_path / REPORT, content)
    with one_line("reports/export.json does not list GGUF files", "`dvc repro export`"):
        gguf_files(tmp_path)


def test_a_file_that_is_missing_or_another_one(tmp_path):
    write_export(tmp_path)
    with one_line("models/export/a.gguf does not exist"):
        checked_file(tmp_path, "a.gguf", "0")
    (tmp_path / EXPORT / "a.gguf").write_text("a")
    with one_line("is not the file that reports/export.json describes"):
        checked_file(tmp_path, "a.gguf", "0")


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with one_line("is not empty", tmp_path), new_folder(tmp_path):
        pass
    with one_line("is not a folder"), new_folder(tmp_path / "mine.txt"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_or_new_folder_is_filled(tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new", tmp_path / "empty"):
        with new_folder(folder) as temporary:
            (temporary / "file").write_text("content")
        assert (folder / "file").read_text() == "content"
