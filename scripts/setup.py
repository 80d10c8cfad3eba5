"""Create the virtual environment that all commands run in.

Finds uv and a Python, chooses a build of torch, installs what the lock files pin, and checks that torch computes. Each
error is one line. An interrupted set-up continues where it stopped.

usage: python3 -m scripts.setup [PYTHON [VENV]]     PYTHON: a version such as 3.12, or a path; empty: any supported one

This file uses only the standard library, and runs on any Python from 3.8 on, because nothing is installed yet.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import List, NamedTuple, Tuple

from scripts import uv
from scripts.checks import check_disk, check_machine, check_writable, size_gb

SUPPORTED = ("3.11", "3.12", "3.13")
PREFERRED_DOWNLOAD = "3.12"
BUILT = "antlr4-python3-runtime"  # the only package without a wheel; pure Python, so it needs no compiler
TORCH_INDEX = "CODETUNE_TORCH_INDEX"  # environment variable: a mirror of the index of CPU builds
COMPLETE = ".complete"  # a file that a complete environment has; it contains the environment's path
_OWN_S, _PROBE_S = 20.0, 8.0  # timeouts for the user's own indexes, and for the index of CPU builds
_PROOF = """
import torch
a = torch.ones(64, 64)
assert (a @ a)[0, 0].item() == 64
kind = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
print(torch.__version__, f"({kind} build)")
print(torch.__path__[0])
"""


class Build(NamedTuple):
    """One way to get torch.

    :ivar options: options of uv that name the index.
    :ivar description: description for the user.
    :ivar cpu: whether it is a build without CUDA.
    """

    options: Tuple[str, ...]
    description: str
    cpu: bool

    @property
    def locks(self) -> List[str]:
        """Return the lock files of an environment with this build."""
        return [str(uv.LOCK), str(uv.CPU_LOCK if self.cpu else uv.CUDA_LOCK)]

    @property
    def disk_gb(self) -> float:
        """Return the size of an environment with this build, in gigabytes."""
        return 2.1 if self.cpu else 6.2

    @property
    def download_gb(self) -> float:
        """Return the size of the downloads with an empty cache, in gigabytes."""
        return 0.7 if self.cpu else 3.2


def find_python(program: str, env: uv.Variables, wanted: str, venv: Path) -> str:
    """Return the path of the interpreter for the environment.

    It is the `wanted` one; without it, the one of the existing environment, an installed one, or one that uv downloads.

    :param program: the path of uv.
    :param env: the environment variables for uv.
    :param wanted: a version or a path; empty for any supported version.
    :param venv: the environment.
    :raises SystemExit: if no interpreter fits.
    """
    inside = venv / "bin" / "python"
    if not wanted and (venv / "pyvenv.cfg").exists() and _version(str(inside)) in SUPPORTED:
        return str(inside)
    for version in [wanted] if wanted else SUPPORTED:
        found, printed = uv.output_of(
            [program, "python", "find", "--no-python-downloads", "--system", version], env, 60
        )
        if found:
            return _checked(printed.strip().split("\n")[-1])
    if re.match(r"\d", wanted) and not re.fullmatch(r"3\.1[123](\.\d+)?", wanted):
        uv.fail(f"codetune runs on Python 3.11 to 3.13, not on {wanted}. Name another: make PYTHON=3.12 install")
    if wanted and not re.match(r"\d", wanted):
        uv.fail(f"{wanted} does not run as Python. Name another: make PYTHON=/path/to/python3.12 install")
    version = wanted or PREFERRED_DOWNLOAD
    print(f"      No Python {wanted or '3.11 to 3.13'} here; fetching {version} (about 30 MB) …", flush=True)
    fetched, printed = uv.output_of([program, "python", "install", version], {**env, "UV_HTTP_RETRIES": "0"}, 600)
    found, path = uv.output_of([program, "python", "find", "--system", version], env, 60) if fetched else (False, "")
    if not found:
        uv.fail(
            f"found no Python {wanted or '3.11, 3.12 or 3.13'}, and none could be fetched "
            f"({uv.error_summary(printed)}). Install one (Debian: apt-get install python3), or name it: "
            "make PYTHON=/path/to/python3.12 install"
        )
    return _checked(path.strip().split("\n")[-1])


def _checked(python: str) -> str:
    version = _version(python)
    if version not in SUPPORTED:
        uv.fail(
            f"{python} is Python {version or 'of no known version'}; codetune runs on 3.11 to 3.13. "
            "Name another: make PYTHON=3.12 install"
        )
    return python


def _version(python: str) -> str:
    """Return major and minor version of an interpreter; empty if it does not run."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done, printed = uv.output_of([python, "-I", "-S", "-c", ask], dict(os.environ), 60)
    except OSError:
        return ""
    return printed.strip() if done else ""


def make_venv(program: str, env: uv.Variables, python: str, venv: Path) -> str:
    """Create the environment, and return its interpreter.

    An environment that is complete, was not moved and has the same Python is kept. One without pyvenv.cfg is created
    again: its bin/python would use the packages of the Python that it was made from, and these must not change.

    :raises SystemExit: if the environment cannot be created.
    """
    inside, complete = venv / "bin" / "python", venv / COMPLETE
    kept = complete.exists() and complete.read_text(encoding="utf-8") == str(venv.absolute())
    if kept and (venv / "pyvenv.cfg").exists() and os.path.realpath(str(inside)) == os.path.realpath(python):
        return str(inside)
    made, printed = uv.output_of([program, "venv", "--clear", "--python", python, str(venv)], env, 300)
    if not made:
        uv.fail(
            f"{venv} could not be created ({uv.error_summary(printed)}). Remove it, then try again: make clean install"
        )
    return str(inside)


def choose_torch(program: str, env: uv.Variables, python: str) -> Build:
    """Choose a build of torch: a CPU build from the user's indexes or its own index, else the registry's build."""
    if platform.system() != "Linux":
        return Build((), "the build of the registry", cpu=True)
    mirror = os.environ.get(TORCH_INDEX, "")
    index = ("--index", mirror) if mirror else ("--torch-backend", "cpu")
    ask = [
        program, "pip", "install", "--dry-run", "--no-deps", "--reinstall", "--python", python, "--require-hashes",
        "--only-binary", ":all:", "--requirement", str(uv.CPU_LOCK),
    ]  # fmt: skip
    quick = {**env, "UV_HTTP_RETRIES": "0"}
    if uv.output_of(ask, quick, _OWN_S)[0]:
        return Build((), "a CPU build, found by your own package settings", cpu=True)
    found, printed = uv.output_of([*ask, *index], quick, _PROBE_S)
    if found:
        return Build(index, f"a CPU build, from {_without_password(mirror) or 'its index'}", cpu=True)
    return Build((), f"the build of the registry, with CUDA; no CPU build: {uv.error_summary(printed)}", cpu=False)


def _without_password(url: str) -> str:
    return re.sub(r"//[^/]*@", "//", url)


def install(program: str, env: uv.Variables, python: str, build: Build) -> None:
    """Install what the lock files pin, with the sha256 of each file checked, then the project itself.

    :raises SystemExit: if a command fails.
    """
    sync = [
        program, "pip", "sync", "--python", python, "--require-hashes", "--only-binary", ":all:", "--no-binary", BUILT,
        "--build-constraints", str(uv.LOCK), *build.options, *build.locks,
    ]  # fmt: skip
    own = [
        program,
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "--no-deps",
        "--no-build-isolation",
        "--editable",
        ".",
    ]
    for command in (sync, own):
        done, printed = uv.show_output_of(command, env)
        if not done:
            uv.fail(uv.explain(printed))


def check_torch(python: str, venv: Path) -> str:
    """Import torch and compute a product.

    :returns: one line with the build and its size.
    :raises SystemExit: if torch does not run.
    """
    done, printed = uv.output_of([python, "-c", _PROOF], dict(os.environ), 300)
    if not done:
        uv.fail(
            f"torch was installed but does not run: {uv.error_summary(printed)}. "
            "Create the environment again: make clean install"
        )
    version, folder = printed.strip().split("\n")[-2:]
    return f"torch {version} computes: {size_gb(Path(folder)):.1f} GB of {size_gb(venv):.1f} GB in {venv}"


def main(wanted: str = "", name: str = ".venv") -> None:
    """Run all steps, and print each one when it starts."""
    start, venv = time.monotonic(), Path(name)
    check_machine()
    check_writable(Path.cwd())
    program, env = uv.find(sys.executable, venv=venv), uv.environment(sys.executable)
    cache = Path(uv.output_of([program, "cache", "dir"], env, 60)[1].strip().split("\n")[-1])
    check_writable(cache)
    print(f"[1/5] uv: {program}", flush=True)
    python = find_python(program, env, wanted, venv)
    print(f"[2/5] Python {_version(python)}: {python}", flush=True)
    inside = make_venv(program, env, python, venv)
    print("[3/5] torch: looking for a CPU build …", flush=True)
    build = choose_torch(program, env, inside)
    print(f"      {build.description}", flush=True)
    check_disk(build.disk_gb, venv, cache)
    print(
        f"[4/5] packages: up to {build.download_gb} GB to download, {build.disk_gb} GB on disk, half a minute or more; "
        "if interrupted, run the command again to continue",
        flush=True,
    )
    complete = venv / COMPLETE
    with suppress(FileNotFoundError):
        complete.unlink()
    install(program, env, inside, build)
    proof = check_torch(inside, venv)
    complete.write_text(str(venv.absolute()), encoding="utf-8")
    print(f"[5/5] {proof}; set up in {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except KeyboardInterrupt:
        uv.fail("interrupted. What was downloaded is kept: run the same command again to continue", 130)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  (the reader is gone; avoid a second error at exit)
        raise SystemExit(141) from None
    except OSError as error:
        uv.fail(uv.explain(f"{error.filename or ''}: {error.strerror}"))
