"""Stored values lie within the error of their number type, and the bytes are the same every time."""

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from gguf import dequantize, quantize

from codetune.models.gguf.header import read_gguf
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.gguf_writing.storage import StoredTensor, choose_kind, exceeds, largest_errors, write_file

KINDS = ["F32", "F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"]


def values(seed):
    """Blocks of all scales: ordinary ones, tiny ones, shifted ones, one that is all zeros, and one with an outlier."""
    found = np.random.default_rng(seed).normal(size=(64, 64)).astype(np.float32)
    scales = 10.0 ** np.linspace(-7, 3, 64, dtype=np.float32)
    found *= scales[:, None]
    found[3] += 100
    found[5] = 0
    found[7, 9] = -2000
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_holds_and_is_not_far_above(kind):
    ratios = []
    for seed in range(20):
        given = values(seed)
        found = dequantize(quantize(given, Kind[kind]), Kind[kind])
        assert not exceeds(given, found, kind)
        allowed = np.broadcast_to(
            largest_errors(given, kind), given.reshape(len(largest_errors(given, kind)), -1).shape
        )
        errors = np.abs(given - found).reshape(allowed.shape)
        ratios.append((errors[allowed > 0] / allowed[allowed > 0]).max(initial=0.0))
    assert max(ratios) > 0.8 or kind == "F32"


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_value_exceeds_the_bound(kind):
    given = np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32)
    found = dequantize(quantize(given, Kind[kind]), Kind[kind])
    for wrong in (found[::-1].copy(), np.where(np.arange(64) == 9, np.float32("nan"), found)):
        assert exceeds(given, wrong, kind)


@pytest.mark.parametrize(
    ("name", "shape", "wanted", "expected"),
    [
        ("blk.0.attn_norm.weight", (64,), "Q8_0", "F32"),
        ("blk.0.ffn_down.weight", (64, 96), "Q4_0", "Q4_0"),
        ("blk.0.ffn_down.weight", (64, 100), "Q4_0", "F16"),
        ("token_embd.weight", (400, 64), "Q4_1", "Q8_0"),
        ("output.weight", (400, 64), "Q5_0", "Q8_0"),
        ("token_embd.weight", (400, 64), "F16", "F16"),
    ],
)
def test_vectors_odd_rows_and_embeddings_have_finer_types(name, shape, wanted, expected):
    assert choose_kind(name, shape, wanted).name == expected


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    given = values(3)
    tensors = [
        StoredTensor("one", given.shape, Kind.Q8_0, lambda: given),
        StoredTensor("two", (64,), Kind.F32, lambda: given[0]),
    ]
    metadata = {"text": "é", "whole": 7, "number": 0.5, "truth": True, "texts": ["a", "b"], "whole_numbers": [1, 2]}
    for name in ("first", "second"):
        write_file(tmp_path / name, "llama", metadata, tensors)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    file = read_gguf(tmp_path / "first")
    assert file.metadata == metadata | {"general.architecture": "llama"}
    assert file.tensors["one"].shape == (64, 64)
    assert file.raw("one").tobytes() == quantize(given, Kind.Q8_0).tobytes()
    assert file.raw("two").tobytes() == given[0].tobytes()


def test_a_value_that_float16_cannot_hold_is_refused(tmp_path):
    given = np.full((2, 32), 70000, np.float32)
    with pytest.raises(NotConvertibleError, match="one holds the value 70000, too large for F16"):
        write_file(tmp_path / "file", "llama", {}, [StoredTensor("one", given.shape, Kind.F16, lambda: given)])
