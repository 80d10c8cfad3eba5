"""The folder for ollama holds the files that its Modelfile names, and nothing else."""

import re

import pytest

from codetune.core.files import digest_file, read_json, write_json
from codetune.export.ollama import modelfile, ollama_prompt
from codetune.models.load import load_model
from codetune.publishing.exported import EXPORT, REPORT
from codetune.publishing.ollama import write_ollama_folder
from tests.conftest import one_line


def test_base_model_and_adapter(root, tmp_path):
    folder = tmp_path / "out"
    assert write_ollama_folder(root, folder) == ["Modelfile", "adapter-f16.gguf", "base.gguf"]
    text = (folder / "Modelfile").read_text()
    assert text.startswith("FROM ./base.gguf\nADAPTER ./adapter-f16.gguf\n")
    assert text.endswith('LICENSE """apache-2.0"""\n')
    assert re.findall(r"^PARAMETER stop .*$", text, re.MULTILINE)
    for name in ("adapter-f16.gguf", "base.gguf"):
        assert digest_file(folder / name) == digest_file(root / EXPORT / "gguf" / name)
        assert not (folder / name).samefile(root / EXPORT / "gguf" / name)


def test_a_merged_model_has_the_modelfile_of_the_model_card(root, tmp_path):
    folder = tmp_path / "out"
    assert write_ollama_folder(root, folder, "q8_0") == ["Modelfile", "tuned-q8_0.gguf"]
    loaded = load_model(root / EXPORT)
    prompt = ollama_prompt(loaded.tokenizer, loaded.end_ids)
    text = (folder / "Modelfile").read_text()
    assert text == modelfile("tuned-q8_0.gguf", prompt, license_name="apache-2.0")
    assert text.replace("FROM ./", "FROM ./gguf/") in (root / EXPORT / "README.md").read_text()


def test_a_type_that_the_export_has_not(root, tmp_path):
    with one_line(r"no merged GGUF file of type f16 \(found: q8_0\)", "Add f16 to export.gguf.types"):
        write_ollama_folder(root, tmp_path / "out", "f16")
    assert not (tmp_path / "out").exists()


def test_without_an_adapter_a_merged_type_is_named(root, tmp_path):
    report = read_json(root / REPORT)
    report["gguf"]["files"] = [one for one in report["gguf"]["files"] if one["content"] == "model"]
    write_json(root / REPORT, report)
    with one_line("no GGUF adapter", "--type q8_0"):
        write_ollama_folder(root, tmp_path / "out")


@pytest.mark.parametrize("kind", [None, "q8_0"])
def test_an_export_without_gguf_files(root, tmp_path, kind):
    write_json(root / REPORT, {"gguf": {"files": [], "not_written": []}})
    with one_line("the export has no", "export.gguf"):
        write_ollama_folder(root, tmp_path / "out", kind)
