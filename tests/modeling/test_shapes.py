"""Shapes of tensors, by headers alone."""

from codetune.modeling.load import load_model
from codetune.modeling.memory import tensor_shapes
from codetune.models.gguf.header import read_gguf
from tests.models.gguf_files import make_gguf


def test_shapes_of_safetensors(tiny_base):
    model = load_model(tiny_base).model
    assert sorted(tensor_shapes(tiny_base)) == sorted(tuple(weight.shape) for weight in model.parameters())


def test_shapes_of_gguf(tmp_path):
    path = tmp_path / "model.gguf"
    make_gguf(path, "llama")
    assert len(tensor_shapes(path)) == len(read_gguf(path).tensors)
