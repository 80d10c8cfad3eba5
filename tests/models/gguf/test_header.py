"""The header of a GGUF file: what it says is read; what is wrong with it is one line."""

import struct

import gguf
import pytest

from codetune.core.errors import UserError
from codetune.models.gguf.header import is_gguf, read_gguf
from tests.conftest import one_line
from tests.models.gguf_files import finish, make_gguf, make_model, metadata, tensors, write_gguf


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return make_gguf(tmp_path_factory.mktemp("gguf") / "no-suffix", kind=gguf.GGMLQuantizationType.Q8_0)


def test_the_header_is_that_of_the_reader_of_the_gguf_package(file):
    ours, theirs = read_gguf(file), gguf.GGUFReader(file)
    values = {key: field.contents() for key, field in theirs.fields.items() if not key.startswith("GGUF.")}
    assert ours.metadata == values
    assert {
        name: (place.shape, place.kind, place.offset, place.size) for name, place in ours.tensors.items()
    } == {
        tensor.name: (
            tuple(reversed([int(size) for size in tensor.shape])), tensor.tensor_type, tensor.data_offset, tensor.n_bytes,
        )
        for tensor in theirs.tensors
    }  # fmt: skip
    for tensor in theirs.tensors:
        assert ours.raw(tensor.name).tobytes() == tensor.data.tobytes()


def test_all_kinds_of_values_are_read(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "values", "llama")
    given = {
        "uint8": 200, "int8": -100, "uint16": 60000, "int16": -30000, "uint32": 2**32 - 1, "int32": -(2**31),
        "uint64": 2**64 - 1, "int64": -(2**63), "float32": 0.5, "float64": 0.1, "bool": True, "string": "é",
    }  # fmt: skip
    for kind, value in given.items():
        getattr(writer, f"add_{kind}")(kind, value)
    writer.add_array("list", ["a", ""])
    writer.add_array("numbers", [1, 2])
    finish(writer)
    expected = given | {"general.architecture": "llama", "list": ["a", ""], "numbers": [1, 2]}
    assert read_gguf(tmp_path / "values").metadata == expected


def test_a_file_is_known_by_its_first_bytes_alone(file, tmp_path):
    other = tmp_path / "model.gguf"
    other.write_bytes(b"GGU")
    assert is_gguf(file)
    assert not is_gguf(other)
    assert not is_gguf(tmp_path)
    assert not is_gguf(tmp_path / "missing")


def _patched(content, place, form, value):
    return content[:place] + struct.pack(form, value) + content[place + struct.calcsize(form) :]


BROKEN = {
    "wrong magic": (lambda content: b"GGML" + content[4:], "is not a GGUF file"),
    "empty": (lambda _: b"", "is not a GGUF file"),
    "nothing but the magic": (lambda content: content[:4], "cut short: it ends within its header"),
    "cut within the metadata": (lambda content: content[:3000], "cut short: it ends within its header"),
    "cut within the tensors": (lambda content: content[:-1], r"cut short: it has \d+ bytes, but its tensor \S+ ends at"),
    "version 1": (lambda content: _patched(content, 4, "<I", 1), "GGUF version 1, expected 2 or 3, little-endian"),
    "big-endian": (lambda content: _patched(content, 4, ">I", 3), "GGUF version 50331648"),
    "too many values": (lambda content: _patched(content, 16, "<Q", 10**9), "header"),
    "a value of no known kind": (
        lambda content: _patched(content, 24 + 8 + len("general.architecture"), "<I", 99), "damaged: a value has the type 99",
    ),
    "a text longer than the file": (lambda content: _patched(content, 24, "<Q", 2**60), "cut short"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_line(file, tmp_path, case):
    damage, message = BROKEN[case]
    path = tmp_path / "broken"
    path.write_bytes(damage(file.read_bytes()))
    with one_line(message, path):
        read_gguf(path)


def test_every_place_where_a_file_may_be_cut_is_one_line(tmp_path):
    content = make_gguf(tmp_path / "whole").read_bytes()
    path = tmp_path / "cut"
    for size in range(4, len(content), max(1, len(content) // 300)):
        path.write_bytes(content[:size])
        with pytest.raises(UserError, match=r"cut short|damaged"):
            read_gguf(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split.count": 3}, "is one part of 3"),
        ({"general.alignment": 0}, "general.alignment is 0"),
    ],
)
def test_values_that_make_a_file_unusable_are_named(tmp_path, changes, message):
    path = make_gguf(tmp_path / "file", **changes)
    with pytest.raises(UserError, match=message):
        read_gguf(path)


def test_a_quantisation_that_is_not_known_is_named(tmp_path):
    model = make_model()
    path = write_gguf(tmp_path / "file", metadata("llama", model), tensors("llama", model))
    content = path.read_bytes()
    name = b"blk.0.attn_q.weight"
    place = content.index(name) + len(name) + 4 + 2 * 8
    path.write_bytes(_patched(content, place, "<I", 4242))
    with pytest.raises(UserError, match=r"an unknown quantisation \(type 4242\)"):
        read_gguf(path)
