"""Find or fetch uv, run it with the user's package settings, and explain its errors in one line.

uv creates the environment. This file uses only the standard library, and runs on any Python from 3.8 on, because
nothing is installed yet.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Dict, List, NoReturn, Sequence, Tuple

LOCK = Path("requirements.lock")
CPU_LOCK, CUDA_LOCK = (
    Path("requirements-cpu.lock"),
    Path("requirements-cuda.lock"),
)  # for torch: one of the two is used
CACHE, VENV = Path(".cache"), Path(".venv")
Variables = Dict[str, str]  # environment variables or settings: name -> value
MIN_UV = (0, 9)  # the first version with all options used here
PROGRAM = Path("bin/uv")  # path of uv in the folder that pip installs into

# Settings of pip that are switched off here, because they prevent pip from installing uv into a folder.
_PLAIN_PIP = {f"PIP_{name}": "0" for name in ("REQUIRE_VIRTUALENV", "USER", "DRY_RUN")}

# Patterns in the output of uv; for each, the problem and its remedy.
REMEDIES = (
    (r"No space left on device|os error 28", "the disk is full. Free some space"),
    (
        r"invalid peer certificate|UnknownIssuer|certificate verify failed|CERTIFICATE_VERIFY_FAILED",
        (
            "a certificate of the connection to the package registry is not trusted. If your proxy has its own "
            "certificate, add it to the system's store, or name it: SSL_CERT_FILE=/path/to/it.pem"
        ),
    ),
    (
        r"407 Proxy|[Pp]roxy.*(refused|[Aa]uth)|tunnel error",
        "the proxy refuses the connection. Check HTTPS_PROXY, with user and password if it needs them",
    ),
    (
        r"dns error|error sending request|[Cc]onnection (refused|reset)|timed out|NewConnectionError|Max retries",
        (
            "the package registry cannot be reached. Check the network (behind a proxy: HTTPS_PROXY; for a mirror: "
            "the index-url of pip's settings)"
        ),
    ),
    (r"Hash mismatch", "a file differs from the sha256 that requirements.lock pins. Nothing of it was installed"),
    (r"Permission denied|os error 13", "a folder is not writable. Check the owner of the checkout and the cache"),
)


def fail(message: str, status: int = 2) -> NoReturn:
    """Print one line on standard error and exit with `status`.

    :raises SystemExit: always.
    """
    sys.stdout.flush()
    print("error: " + " ".join(message.split()), file=sys.stderr, flush=True)
    raise SystemExit(status)


def explain(output: str) -> str:
    """Return one line about a failed command: what is wrong, and what to do."""
    for pattern, remedy in REMEDIES:
        if re.search(pattern, output):
            return (
                f"{remedy}, then run the same command again: it continues where it stopped. ({error_summary(output)})"
            )
    return f"{error_summary(output)}. Run the same command again: it continues where it stopped."


def error_summary(output: str) -> str:
    """Return the first error and the last cause that a failed command printed, in one line."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
    lines = [line.strip(" \t│") for line in re.split(r"[\r\n]+", text) if line.strip()]
    errors = [line for line in lines if re.match(r"(error|ERROR|cause|Caused by|\w*Error)\b|[×╰]", line)] or lines
    plain = [re.sub(r"^(error|ERROR|cause|Caused by):\s*|^[×╰─▶ ]+", "", line) for line in errors]
    return ": ".join(dict.fromkeys([*plain[:1], *plain[-1:]]))[:300].rstrip(". ") or "it printed nothing"


def pip_settings(pip: Sequence[str]) -> Variables:
    """Return the user's settings of pip, from files and environment variables, by option, such as `find-links`.

    :param pip: the command to run pip; if it is empty, only environment variables are read.
    """
    listed = "".join(f":env:.{key[4:]}={value!r}\n" for key, value in os.environ.items() if key.startswith("PIP_"))
    if pip:
        command = [*pip, "config", "list", "--disable-pip-version-check"]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True, check=False
        )
        listed = done.stdout
    sections: Dict[str, Variables] = {"global": {}, "install": {}, ":env:": {}}  # later ones override earlier ones
    for line in listed.split("\n"):
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        with suppress(KeyError, ValueError, SyntaxError):
            sections[section][option.lower().replace("_", "-")] = str(ast.literal_eval(value))
    found = {option: value for settings in sections.values() for option, value in settings.items()}
    return {option: value for option, value in found.items() if value}


def uv_settings(pip: Variables) -> Variables:
    """Return the settings of pip as environment variables of uv, which does not read pip's settings.

    Variables that are already set are left out. All indexes are searched together, as pip does. This is safe because
    the sha256 of every file is checked.
    """
    wanted = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(pip.get("extra-index-url", "").split()),
        "UV_FIND_LINKS": ",".join(pip.get("find-links", "").split()),
        "UV_NO_INDEX": pip.get("no-index", ""),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "HTTPS_PROXY": pip.get("proxy", ""),
        "SSL_CERT_FILE": pip.get("cert", ""),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_SYSTEM_CERTS": "1",
    }
    return {key: value for key, value in wanted.items() if value and not os.environ.get(key)}


def environment(python: str, *, index_only: bool = False) -> Variables:
    """Return the environment variables for uv: those of this process and the user's settings of pip.

    :param python: an interpreter that may have pip.
    :param index_only: leave out files that only this machine has (find-links), because a lock is for all machines.
    """
    hidden = {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_REQUIRE_HASHES", "UV_TORCH_BACKEND"}
    if index_only:
        hidden |= {"UV_FIND_LINKS", "UV_INDEX", "UV_EXTRA_INDEX_URL"}
    found = {**os.environ, **uv_settings(pip_settings(pip_of(python)))}
    return {key: value for key, value in found.items() if key not in hidden}


def _version(uv: str) -> Tuple[int, ...]:
    try:
        done, printed = output_of([uv, "--version"], dict(os.environ), 10)
    except OSError:
        return (0, 0)
    found = re.match(r"uv (\d+)\.(\d+)", printed) if done else None
    return tuple(int(part) for part in found.groups()) if found else (0, 0)


def _pinned(lock: Path) -> Tuple[str, str]:
    """Return the version of uv in the lock file, and its entry with the digests."""
    found = re.search(r"^uv==(\S+)[^\n]*\\\n(?:\s+--hash=\S+[ \\]*\n)+", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        fail(f"{lock} has no entry for uv. Restore it: git checkout {lock}")
    return found.group(1), found.group(0)


def find(python: str, lock: Path = LOCK, cache: Path = CACHE, venv: Path = VENV) -> str:
    """Return the path of uv: one on the PATH, or the pinned one, which pip fetches once into `cache`.

    A uv inside `venv` is not used, because it is deleted when the environment is created again.

    :raises SystemExit: if uv cannot be fetched.
    """
    inside = (venv / "bin").resolve()
    known = shutil.which(
        "uv", path=os.pathsep.join(part for part in os.get_exec_path() if Path(part).resolve() != inside)
    )
    if known and _version(known) >= MIN_UV:
        return known
    version, entry = _pinned(lock)
    folder = cache / f"uv-{version}"
    kept = folder / PROGRAM
    if not kept.exists():
        _fetch(python, entry, folder)
    return str(kept.resolve())


def pip_of(python: str, cache: Path = CACHE) -> List[str]:
    """Return the command to run pip of `python`, or of the bootstrap environment; empty if neither has pip."""
    for program in (python, str(cache / "bootstrap" / "bin" / "python")):
        with suppress(OSError):
            if output_of([program, "-m", "pip", "--version"], dict(os.environ), 60)[0]:
                return [program, "-m", "pip"]
    return []


def _made_pip(python: str, cache: Path) -> List[str]:
    """Create an environment with pip, and return the command to run that pip."""
    bootstrap = cache / "bootstrap"
    if not output_of([python, "-m", "venv", "--clear", str(bootstrap)], dict(os.environ), 120)[0]:
        fail(
            f"{python} has neither pip nor ensurepip, and uv is not on the PATH. "
            "Install one (Debian: apt-get install python3-pip)"
        )
    return [str(bootstrap / "bin" / "python"), "-m", "pip"]


def _fetch(python: str, entry: str, folder: Path) -> None:
    """Install the pinned uv into `folder` with pip, completely or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    pip = pip_of(python, folder.parent) or _made_pip(python, folder.parent)
    with tempfile.TemporaryDirectory(prefix=".uv.", dir=str(folder.parent)) as name:
        requirement = Path(name) / "uv.txt"
        requirement.write_text(re.sub(r"\\\n\Z", "\n", entry), encoding="utf-8")
        target = Path(name) / "target"
        command = [
            *pip, "install", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--retries=2",
            "--disable-pip-version-check", "--target", str(target), "--requirement", str(requirement),
        ]  # fmt: skip
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False,
            env={**os.environ, **_PLAIN_PIP},
        )  # fmt: skip
        if done.returncode != 0:
            fail(f"uv, which sets up the environment, could not be fetched: {explain(done.stdout)}")
        if folder.exists():
            shutil.rmtree(str(folder))
        target.rename(folder)


def output_of(command: Sequence[str], env: Variables, timeout_s: float) -> Tuple[bool, str]:
    """Run a command. Return whether it succeeded within `timeout_s` seconds, and its output."""
    try:
        done = subprocess.run(
            list(command), env=env, timeout=timeout_s, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"no answer within {timeout_s:.0f} s: timed out"
    return done.returncode == 0, done.stdout


def show_output_of(command: Sequence[str], env: Variables) -> Tuple[bool, str]:
    """Run a command like `output_of`, and show its output while it runs, without the list of installed packages.

    If standard error is a terminal, the command gets a terminal too, so that it draws progress bars.
    """
    if not sys.stderr.isatty():
        reading, writing = os.pipe()
    else:
        import fcntl
        import termios

        reading, writing = os.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, b"\0" * 8))
    with subprocess.Popen(list(command), env=env, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing) as process:
        os.close(writing)
        seen, held = bytearray(), b""
        with suppress(OSError), open(reading, "rb", buffering=0) as stream:  # noqa: PTH123  (closed terminal: OSError)
            for part in iter(lambda: stream.read(4096), b""):
                seen += part
                shown, held = _without_list(held + part)
                sys.stderr.buffer.write(shown)
                sys.stderr.flush()
        sys.stderr.buffer.write(held)
    return process.returncode == 0, seen.decode("utf-8", "replace")


def _without_list(text: bytes) -> Tuple[bytes, bytes]:
    """Split `text` into output to show and the rest.

    Lines such as ` + numpy==2.4.6` are removed. The rest is an incomplete line that may become such a line.
    """
    lines = text.splitlines(keepends=True)
    held = lines.pop() if lines and lines[-1].startswith(b" ") and not lines[-1].endswith(b"\n") else b""
    return b"".join(line for line in lines if not re.match(rb" (\x1b\[\d+m)?[+~-]", line)), held
