"""The embedded base model: weights, tokenizer and provenance belong together."""

from pathlib import Path

from safetensors.torch import load_file

from codetune.config import load_section
from codetune.files import digest_file, read_json
from codetune.pretraining.params import PretrainParams

BASE = Path(__file__).parent.parent / "models/base"


def test_provenance_names_these_files():
    provenance = read_json(BASE / "provenance.json")
    found = {path.name: digest_file(path) for path in BASE.iterdir() if path.name != "provenance.json"}
    assert provenance["files"] == found
    weights = load_file(BASE / "model.safetensors")
    assert provenance["parameters"] == sum(weight.numel() for weight in weights.values()) <= 32_000_000
    assert provenance["revision"]
    assert (BASE / "model.safetensors").stat().st_size < 64 << 20


def test_provenance_is_of_the_recipe_in_params():
    recipe = read_json(BASE / "provenance.json")["recipe"]
    assert recipe == load_section(PretrainParams, BASE.parent.parent / "params.yaml").model_dump()
