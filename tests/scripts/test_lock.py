import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import lock, uv

ROOT = Path(__file__).parents[2]
TEXT = """\
numpy==2.4.6 \\
    --hash=sha256:{0} \\
    --hash=sha256:{1}
    # via torch, codetune (pyproject.toml)
nvidia-cublas==13.0 ; sys_platform == 'linux' \\
    --hash=sha256:{0}
    # via cuda-toolkit, torch
cuda-toolkit==13.0 ; sys_platform == 'linux' \\
    --hash=sha256:{0}
    # via torch
sympy==1.14 \\
    --hash=sha256:{0}
    # via torch
torch==2.13.0 \\
    --hash=sha256:{1}
    # via codetune (pyproject.toml)
""".format("a" * 64, "b" * 64)


def test_entries_are_read_and_written_back():
    entries = lock.read_entries(TEXT)
    assert [entry.name for entry in entries] == ["numpy", "nvidia-cublas", "cuda-toolkit", "sympy", "torch"]
    assert entries[0] == lock.Entry("numpy", "2.4.6", "", ("a" * 64, "b" * 64), ("torch", "codetune"))
    assert entries[1].marker == "sys_platform == 'linux'"
    assert lock.read_entries("".join(map(str, entries))) == entries


def test_what_cuda_alone_needs_is_apart():
    entries = lock.read_entries(TEXT)
    assert lock.cuda_only(entries) == {"cuda-toolkit", "nvidia-cublas"}
    found = {path: lock.read_entries(text) for path, text in lock.contents(entries, {"c" * 64}).items()}
    assert [entry.name for entry in found[uv.LOCK]] == ["numpy", "sympy"]
    assert [(entry.version, entry.digests) for entry in found[uv.CPU_LOCK]] == [
        ("2.13.0+cpu", ("c" * 64,)),
        ("2.13.0", ("b" * 64,)),
    ]
    assert {entry.name for entry in found[uv.CUDA_LOCK]} == {"cuda-toolkit", "nvidia-cublas", "torch"}


@pytest.mark.parametrize(
    ("change", "agrees"),
    [
        (("", ""), True),
        (("numpy==2.4.6", "numpy==2.5.0"), False),
        (("b" * 64, "d" * 64), False),
        (
            (
                f"    --hash=sha256:{'b' * 64}\n    # via torch, codetune",
                f"    --hash=sha256:{'b' * 64} \\\n    --hash=sha256:{'d' * 64}\n    # via torch, codetune",
            ),
            True,
        ),
        (("sys_platform == 'linux'", "sys_platform == 'darwin'"), False),
        ((TEXT[TEXT.index("sympy") : TEXT.index("torch==")], ""), False),
    ],
)
def test_a_lock_agrees_with_what_is_resolved_whatever_files_were_added_since(change, agrees):
    resolved = TEXT.replace(*change, 1)
    assert (resolved != TEXT) == (change != ("", ""))
    assert lock.lock_matches(TEXT, resolved) is agrees


def committed() -> dict[Path, list[lock.Entry]]:
    return {path: lock.read_entries((ROOT / path).read_text(encoding="utf-8")) for path in lock.HEADERS}


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["dev"]]


def test_the_committed_locks_hold_what_pyproject_asks_for():
    versions = {entry.name: entry.version for entries in committed().values() for entry in entries}
    for requirement in declared():
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


def test_each_direct_dependency_has_a_lower_bound_that_is_tested():
    """The lowest version that is allowed is the locked one: no other was tried."""
    versions = {entry.name: entry.version for entries in committed().values() for entry in entries}
    for requirement in declared():
        (bound,) = requirement.specifier
        assert bound.operator in (">=", "==")
        assert bound.version == versions[canonicalize_name(requirement.name)].removesuffix("+cpu"), requirement


def test_every_file_is_pinned_by_digest_and_no_address_is_named():
    for path, entries in committed().items():
        assert all(entry.digests for entry in entries)
        text = (ROOT / path).read_text(encoding="utf-8")
        assert text.count("==") >= len(entries)
        assert not re.search(r"https?://|--index|--find-links", text)


def test_torch_has_the_digests_of_a_cpu_build_for_each_python_and_machine():
    (linux, macos) = committed()[uv.CPU_LOCK]
    assert len(linux.digests) >= 6  # three Pythons, x86-64 and arm64
    assert macos.marker == "sys_platform == 'darwin'"


def test_the_locked_uv_can_be_fetched_before_anything_is_installed():
    version, entry = uv._pinned(ROOT / uv.LOCK)
    assert tuple(map(int, version.split(".")[:2])) >= uv.MIN_UV
    assert entry.startswith(f"uv=={version}")
    assert entry.count("--hash=sha256:") > 5


def test_digests_of_another_version_of_torch_are_not_kept(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert lock.locked_cpu_builds("2.13.0") == set()
    uv.CPU_LOCK.write_text(f"torch==2.13.0+cpu ; sys_platform == 'linux' \\\n    --hash=sha256:{'c' * 64}\n")
    assert lock.locked_cpu_builds("2.13.0") == {"c" * 64}
    assert lock.locked_cpu_builds("2.14.0") == set()
