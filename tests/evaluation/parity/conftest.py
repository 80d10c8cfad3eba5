"""The exported files of a tiny tuned model: its adapter beside the base, and the merged model, in 32-bit numbers."""

from pathlib import Path
from typing import NamedTuple

import pytest

from codetune.export.gguf.files import GgufSource, write_gguf_files
from codetune.export.merge import merge
from codetune.export.params import GgufParams
from codetune.models.gguf.header import read_gguf
from codetune.models.gguf_writing.adapter import read_lora
from codetune.models.load import attach_adapter, load_model
from codetune.models.prompt import prompt_ids
from tests.support.engines import make_models

TEXTS = ["Reverse a list.", "def add(a, b):\n    return a + b\n"]


class Exported(NamedTuple):
    base: Path
    adapter: Path
    folder: Path


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    models = make_models(folder)
    base, adapter = Path(models.base), models.adapters["tuned@5"]
    loaded = load_model(base, system="none")
    lora = read_lora(attach_adapter(load_model(base).model, adapter))
    prompts = [prompt_ids(loaded.tokenizer, text) for text in TEXTS]
    merged, _, answers = merge(loaded, adapter, prompts, prompts)
    source = GgufSource(merged, lora, read_gguf(base), {"general.name": "tiny"}, TEXTS, answers)
    write_gguf_files(source, GgufParams(types=["f32"], adapter="f32"), folder)
    return Exported(base, adapter, folder / "gguf")
