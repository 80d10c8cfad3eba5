"""Pins and the cache: what is wrong is named, what is cached needs no network."""

import subprocess
from types import SimpleNamespace

import pytest

from codetune.core import pins as module
from codetune.core.errors import UserError
from codetune.core.pins import Pin, fetch, read_pins
from tests.support.wheels import make_wheel

HASH = "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("networkx>=3\n", "packages.txt:1: found 'networkx>=3'"),
        (f"a==1 --hash=sha256:{HASH}\nb==1\n", "packages.txt:2"),
        (f"a==1 --hash=sha256:{HASH}\nA==2 --hash=sha256:{HASH}\n", "A is pinned twice"),
        ("# nothing\n\n", "pins no package"),
    ],
)
def test_bad_pins_are_named(tmp_path, text, expected):
    path = tmp_path / "packages.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=expected):
        read_pins(path)


def test_cached_wheel_needs_no_pip(tmp_path, monkeypatch):
    path, digest = make_wheel(tmp_path, "my_pkg", {"my_pkg.py": ""})
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))
    pin = Pin("my-pkg", "1.0", digest)
    assert fetch([pin], tmp_path, 1 << 20) == {pin: path}
    with pytest.raises(UserError, match=r"over ingest\.max_wheel_mb"):
        fetch([pin], tmp_path, 10)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n    a==1 from x:\n        Expected sha256 1",
            "sha256 of a==1",
        ),
        ("ERROR: No matching distribution found for a==1", "no wheel of a==1 is in the package registry"),
        ("Retrying after connection broken: Temporary failure in name resolution", "registry cannot be reached"),
        (
            "Max retries exceeded: SSLError(CERTIFICATE_VERIFY_FAILED)",
            "certificate is not trusted .a==1.. Where a proxy",
        ),
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full; a==1"),
        ("ERROR: something else", "something else"),
    ],
)
def test_pip_complaints_become_one_sentence(tmp_path, monkeypatch, output, expected):
    answer = SimpleNamespace(returncode=1, stdout="", stderr=output)
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(UserError, match=expected):
        fetch([Pin("a", "1", HASH)], tmp_path, 1 << 20)


def test_damaged_cache_entry_is_fetched_again(tmp_path, monkeypatch):
    path, _ = make_wheel(tmp_path, "a", {"a.py": ""})
    calls = []

    done = SimpleNamespace(returncode=0, stdout="", stderr="")
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: calls.append(1) or done)
    with pytest.raises(UserError, match="downloaded no wheel with the pinned sha256 of a"):
        fetch([Pin("a", "1.0", HASH)], tmp_path, 1 << 20)
    assert len(calls) == 1
    assert not path.exists()


def test_a_wheel_is_fetched_whatever_python_it_requires(tmp_path, monkeypatch):
    shelf, cache = tmp_path / "shelf", tmp_path / "cache"
    shelf.mkdir()
    sources = {"a.py": "", "a-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    _, digest = make_wheel(shelf, "a", sources, license_line="License-Expression: MIT\nRequires-Python: >=3.99")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    pin = Pin("a", "1.0", digest)
    assert fetch([pin], cache, 1 << 20) == {pin: cache / "a-1.0-py3-none-any.whl"}
