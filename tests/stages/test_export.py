"""The export stage, whole, on a slice."""

from dataclasses import replace

import pytest

from codetune.core.errors import UserError
from codetune.core.files import write_json, write_jsonl
from codetune.export.params import ExportParams
from codetune.models.load import load_model
from codetune.models.params import ModelParams
from stages import export
from tests.conftest import digests


def params(base):
    everything = {"model": {"base": "models/base"}, "train": {"seed": 7}, "export": {"dtype": "float32"}}
    return export.Params(ExportParams(dtype="float32"), ModelParams(base=str(base), revision=None), everything)


@pytest.fixture
def inputs(instruction_rows, tmp_path, tiny_adapter, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = export.Inputs(adapter=tiny_adapter)
    write_jsonl(paths.val, instruction_rows)
    write_json(paths.data, {"licenses": {"MIT": 12}})
    return paths


def test_the_stage_writes_a_model_that_stands_alone(tiny_base, inputs, tmp_path):
    outputs = export.Outputs(tmp_path / "models/export")
    card = export.run(params(tiny_base), inputs, outputs)
    assert (outputs.export / "README.md").read_text() == card
    assert "| MIT | 12 |" in card
    assert "```text\n### Instruction:\n{instruction}\n\n### Response:\n```" in card
    assert str(tmp_path) not in card
    loaded = load_model(outputs.export)
    assert loaded.tokenizer.chat_template == load_model(tiny_base).tokenizer.chat_template


def test_no_rows_to_check_on_is_named(tiny_base, inputs, tmp_path):
    inputs.val.write_text("")
    with pytest.raises(UserError, match="has no row to check the merged model on"):
        export.run(params(tiny_base), inputs, export.Outputs(tmp_path / "export"))


def test_a_failure_leaves_the_previous_export(tiny_base, inputs, tmp_path, monkeypatch):
    from codetune.export import merge

    outputs = export.Outputs(tmp_path / "models/export")
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
