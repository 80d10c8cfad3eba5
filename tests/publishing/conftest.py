"""A project whose export is complete: a tiny base model as a GGUF file, an adapter, and what `export` makes of them."""

import json
import os
import shutil
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType
from safetensors.torch import load_file, save_file

from codetune.core.files import read_jsonl, write_json, write_jsonl
from codetune.export.params import ExportParams, GgufParams
from codetune.models.params import ModelParams
from stages import export
from tests.conftest import ROWS_FILE, make_adapter
from tests.models.gguf_files import make_gguf

SECTIONS = {
    "numerics": {"mode": "portable", "threads": 1},
    "model": {"base": "models/base.gguf", "revision": None, "system": "keep"},
    "clean": {"task": "python", "seed": 7},
    "score": {"seed": 7, "bootstrap_samples": 100, "confidence": 0.9, "bertscore": {"model": "../private"}},
    "serve": {
        "engine": "auto",
        "port": 8080,
        "slots": 2,
        "context": 0,
        "max_tokens": 64,
        "prompt_lookup": False,
        "revisions": ["../private"],
        "allowed_hosts": [],
        "allowed_origins": [],
    },
    "ingest": {"sources": [{"type": "folder", "path": "../private"}]},
}


def _make(root: Path) -> None:
    (root / "models").mkdir()
    base = make_gguf(root / "models/base.gguf", kind=GGMLQuantizationType.Q8_0)
    adapter = make_adapter(base, root / "models/adapter")
    weights = adapter / "adapter_model.safetensors"
    save_file({name: weight / 4 for name, weight in load_file(weights).items()}, weights)  # as small as trained ones
    (root / "params.yaml").write_text("".join(f"{name}: {json.dumps(section)}\n" for name, section in SECTIONS.items()))
    inputs = export.Inputs(adapter=adapter, val=root / "data/clean/val.jsonl", provenance=root / "provenance.json")
    write_jsonl(inputs.val, read_jsonl(ROWS_FILE))
    write_json(inputs.provenance, {"license": "Apache-2.0", "original": "owner/base"})
    everything = {"model": {"base": "base"}, "train": {"seed": 7}, "export": {"dtype": "float32"}}
    params = export.Params(
        ExportParams(dtype="float32", gguf=GgufParams()), ModelParams(base=str(base), revision=None), everything
    )
    export.run(params, inputs, export.Outputs(root / "models/export", root / "reports/export.json"))


@pytest.fixture(scope="session")
def _exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exported")
    here = Path.cwd()
    os.chdir(root)  # the stage reads reports from the working directory
    try:
        _make(root)
    finally:
        os.chdir(here)
    return root


@pytest.fixture
def root(_exported: Path, tmp_path: Path) -> Path:
    """A copy of the project, which the test may change."""
    return Path(shutil.copytree(_exported, tmp_path / "project"))
