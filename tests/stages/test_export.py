"""The export stage, whole, on a slice."""

from dataclasses import replace

import pytest
from gguf import GGMLQuantizationType
from safetensors.torch import load_file, save_file

from codetune.core.errors import UserError
from codetune.core.files import digest_file, read_json, write_json, write_jsonl
from codetune.export.params import ExportParams, GgufParams
from codetune.models.gguf.header import read_gguf
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.load import load_model
from codetune.models.params import ModelParams
from stages import export
from tests.conftest import digests, make_adapter, one_line
from tests.models.gguf_files import make_gguf


def params(base, **gguf):
    everything = {"model": {"base": "models/base"}, "train": {"seed": 7}, "export": {"dtype": "float32"}}
    return export.Params(
        ExportParams(dtype="float32", gguf=GgufParams(**gguf)), ModelParams(base=str(base), revision=None), everything
    )


@pytest.fixture
def inputs(instruction_rows, tmp_path, tiny_adapter, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = export.Inputs(adapter=tiny_adapter)
    write_jsonl(paths.val, instruction_rows)
    write_json(paths.data, {"licenses": {"MIT": 12}})
    return paths


def test_the_stage_writes_a_model_that_stands_alone(tiny_base, inputs, tmp_path):
    outputs = export.Outputs(tmp_path / "models/export", tmp_path / "reports/export.json")
    export.run(params(tiny_base), inputs, outputs)
    card = (outputs.export / "README.md").read_text()
    assert "| MIT | 12 |" in card
    assert "```text\n### Instruction:\n{instruction}\n\n### Response:\n```" in card
    assert str(tmp_path) not in card
    loaded = load_model(outputs.export)
    assert loaded.tokenizer.chat_template == load_model(tiny_base).tokenizer.chat_template


def test_the_gguf_files_are_listed_and_are_the_same_every_time(tiny_base, inputs, tmp_path):
    found = []
    for name in ("one", "two"):
        outputs = export.Outputs(tmp_path / name / "export", tmp_path / name / "export.json")
        report = export.run(params(tiny_base, types=["q8_0", "f16"]), inputs, outputs)
        assert read_json(outputs.report) == report
        found.append(digests(outputs.export))
    assert found[0] == found[1]
    files = {one["file"]: one for one in report["gguf"]["files"]}
    assert list(files) == ["gguf/adapter-f16.gguf", "gguf/tuned-q8_0.gguf", "gguf/tuned-f16.gguf"]
    assert {name: one["sha256"] for name, one in files.items()}.items() <= found[0].items()
    assert files["gguf/tuned-f16.gguf"]["equal_tokens"] == files["gguf/tuned-f16.gguf"]["tokens"]
    assert report["gguf"]["not_written"] == []
    card = (outputs.export / "README.md").read_text()
    assert "llama-server --model gguf/tuned-q8_0.gguf" in card
    assert str(tmp_path).encode() not in (outputs.export / "gguf/tuned-f16.gguf").read_bytes()
    assert load_model(outputs.export).tokenizer.chat_template == load_model(tiny_base).tokenizer.chat_template


def test_a_base_that_is_a_gguf_file_lies_beside_its_adapter(inputs, tmp_path):
    base = make_gguf(tmp_path / "base.gguf", kind=GGMLQuantizationType.Q8_0)
    inputs = replace(inputs, adapter=make_adapter(base, tmp_path / "adapter"))
    weights = inputs.adapter / "adapter_model.safetensors"
    save_file({name: weight / 4 for name, weight in load_file(weights).items()}, weights)  # as small as trained ones
    outputs = export.Outputs(tmp_path / "models/export", tmp_path / "reports/export.json")
    report = export.run(params(base), inputs, outputs)
    adapter = report["gguf"]["files"][0]
    beside = outputs.export / adapter["base"]
    assert beside.samefile(base)
    assert adapter["base_sha256"] == digest_file(base)
    stored = read_gguf(outputs.export / adapter["file"]).metadata
    assert stored["codetune.base.sha256"] == digest_file(base)
    assert stored["tokenizer.chat_template"] == load_model(outputs.export).tokenizer.chat_template


def test_what_cannot_be_converted_is_reported_or_refused(tiny_base, inputs, tmp_path, monkeypatch):
    def other(_config):
        raise NotConvertibleError("the family mamba cannot be converted to GGUF")

    monkeypatch.setattr("codetune.export.gguf.model.architecture_of", other)
    monkeypatch.setattr("codetune.export.gguf.files.architecture_of", other)
    outputs = export.Outputs(tmp_path / "models/export", tmp_path / "reports/export.json")
    report = export.run(params(tiny_base), inputs, outputs)
    assert report["gguf"]["files"] == []
    assert [one["file"] for one in report["gguf"]["not_written"]] == ["gguf/adapter-f16.gguf", "gguf/tuned-q8_0.gguf"]
    assert "because the family mamba cannot" in (outputs.export / "README.md").read_text()
    for asked in ({"types": ["q8_0"]}, {"adapter": "f16"}):
        with one_line("cannot be made: the family mamba cannot be converted to GGUF"):
            export.run(params(tiny_base, **asked), inputs, outputs)
    nothing = export.run(params(tiny_base, types=[], adapter="none"), inputs, outputs)
    assert nothing["gguf"] == {"files": [], "not_written": []}
    assert not (outputs.export / "gguf").exists()


def test_no_rows_to_check_on_is_named(tiny_base, inputs, tmp_path):
    inputs.val.write_text("")
    with pytest.raises(UserError, match="has no row to check the merged model on"):
        export.run(params(tiny_base), inputs, export.Outputs(tmp_path / "export", tmp_path / "export.json"))


def test_a_failure_leaves_the_previous_export(tiny_base, inputs, tmp_path, monkeypatch):
    from codetune.export import merge

    outputs = export.Outputs(tmp_path / "models/export", tmp_path / "reports/export.json")
    export.run(params(tiny_base), inputs, outputs)
    before = digests(outputs.export)

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(merge, "load_model", interrupted)
    other = replace(params(tiny_base), export=ExportParams(dtype="bfloat16"))  # of which every file is another
    with pytest.raises(KeyboardInterrupt):
        export.run(other, inputs, outputs)
    assert digests(outputs.export) == before
    assert [folder.name for folder in outputs.export.parent.iterdir()] == ["export"]
