"""uv, which makes the environment: found or fetched, with the user's package settings, and its failures in one line.

Standard library only, and any Python from 3.8 on: this runs before anything is installed.
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
CPU_LOCK, CUDA_LOCK = Path("requirements-cpu.lock"), Path("requirements-cuda.lock")  # of torch: one of the two
CACHE, VENV = Path(".cache"), Path(".venv")
Variables = Dict[str, str]  # of an environment, or settings: name -> value
MIN_UV = (0, 9)  # the first that has all options used here
PROGRAM = Path("bin/uv")  # in a folder that pip installed it into

# Settings of pip that would have it install elsewhere, or not at all, when it is to fetch uv into a folder.
_PLAIN_PIP = {f"PIP_{name}": "0" for name in ("REQUIRE_VIRTUALENV", "USER", "DRY_RUN")}

# What uv prints when something outside the program is missing, and what to do about it.
REMEDIES = (
    (r"No space left on device|os error 28", "the disk is full. Free some space"),
    (
        r"invalid peer certificate|UnknownIssuer|certificate verify failed|CERTIFICATE_VERIFY_FAILED",
        (
            "a certificate on the way to the package registry is not trusted. Where a proxy has one of its own, "
            "put it into the system's store, or name it: SSL_CERT_FILE=/path/to/it.pem"
        ),
    ),
    (
        r"407 Proxy|[Pp]roxy.*(refused|[Aa]uth)|tunnel error",
        "the proxy refuses the connection. Check HTTPS_PROXY, with user and password if it wants them",
    ),
    (
        r"dns error|error sending request|[Cc]onnection (refused|reset)|timed out|NewConnectionError|Max retries",
        (
            "the package registry cannot be reached. Check the network (behind a proxy: HTTPS_PROXY; for a mirror: "
            "the index-url of pip's settings)"
        ),
    ),
    (r"Hash mismatch", "a file differs from the sha256 that requirements.lock pins. Nothing of it was installed"),
    (r"Permission denied|os error 13", "a folder may not be written to. Check who owns the checkout and the cache"),
)


def fail(message: str, status: int = 2) -> NoReturn:
    """Print one line on standard error and leave with `status`."""
    sys.stdout.flush()
    print("error: " + " ".join(message.split()), file=sys.stderr, flush=True)
    raise SystemExit(status)


def explain(output: str) -> str:
    """What a failed command printed as one line: what is wrong, and what to do."""
    for pattern, remedy in REMEDIES:
        if re.search(pattern, output):
            return f"{remedy}, then run the same command again: it goes on where it stopped. ({told(output)})"
    return f"{told(output)}. Run the same command again: it goes on where it stopped."


def told(output: str) -> str:
    """What a failed command says of itself: its first sentence of failure, and the last cause that it gives."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
    lines = [line.strip(" \t│") for line in re.split(r"[\r\n]+", text) if line.strip()]
    errors = [line for line in lines if re.match(r"(error|ERROR|cause|Caused by|\w*Error)\b|[×╰]", line)] or lines
    plain = [re.sub(r"^(error|ERROR|cause|Caused by):\s*|^[×╰─▶ ]+", "", line) for line in errors]
    return ": ".join(dict.fromkeys([*plain[:1], *plain[-1:]]))[:300].rstrip(". ") or "it printed nothing"


def pip_settings(pip: Sequence[str]) -> Variables:
    """The user's settings of pip, from its files and its environment: option -> value, such as `find-links`.

    :param pip: the command; without one, what the environment says.
    """
    listed = "".join(f":env:.{key[4:]}={value!r}\n" for key, value in os.environ.items() if key.startswith("PIP_"))
    if pip:
        command = [*pip, "config", "list", "--disable-pip-version-check"]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True, check=False
        )
        listed = done.stdout
    sections: Dict[str, Variables] = {"global": {}, "install": {}, ":env:": {}}  # the later ones win
    for line in listed.split("\n"):
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        with suppress(KeyError, ValueError, SyntaxError):
            sections[section][option.lower().replace("_", "-")] = str(ast.literal_eval(value))
    found = {option: value for settings in sections.values() for option, value in settings.items()}
    return {option: value for option, value in found.items() if value}


def uv_settings(pip: Variables) -> Variables:
    """The settings of pip as the environment variables of uv, which reads none of them; those that are set stay.

    Indexes are searched together, as pip does: every file is held to its sha256, so that none can slip in.
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
    """The environment that uv runs in: this process's own with the user's settings of pip.

    :param index_only: leave out files that only this machine has (find-links), as a lock for all machines must.
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
    """The version of uv that the lock pins, and its entry with the digests."""
    found = re.search(r"^uv==(\S+)[^\n]*\\\n(?:\s+--hash=\S+[ \\]*\n)+", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        fail(f"{lock} pins no uv. Restore it: git checkout {lock}")
    return found.group(1), found.group(0)


def find(python: str, lock: Path = LOCK, cache: Path = CACHE, venv: Path = VENV) -> str:
    """A uv that can be run: on the PATH, or the pinned one, which is fetched once with pip into `cache`.

    That of `venv` itself does not count: it goes when the environment is made anew.
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
    """The command of the pip that `python` has, or of one that was made for it; empty where there is none."""
    for program in (python, str(cache / "bootstrap" / "bin" / "python")):
        with suppress(OSError):
            if output_of([program, "-m", "pip", "--version"], dict(os.environ), 60)[0]:
                return [program, "-m", "pip"]
    return []


def _made_pip(python: str, cache: Path) -> List[str]:
    """The command of a pip in an environment that is made for it."""
    bootstrap = cache / "bootstrap"
    if not output_of([python, "-m", "venv", "--clear", str(bootstrap)], dict(os.environ), 120)[0]:
        fail(
            f"{python} has neither pip nor ensurepip, and uv is not on the PATH. "
            "Install one (Debian: apt-get install python3-pip)"
        )
    return [str(bootstrap / "bin" / "python"), "-m", "pip"]


def _fetch(python: str, entry: str, folder: Path) -> None:
    """Have pip install the pinned uv into `folder`, completely or not at all."""
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
    """Whether a command succeeded within `timeout_s`, and all that it printed."""
    try:
        done = subprocess.run(
            list(command), env=env, timeout=timeout_s, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"no answer within {timeout_s:.0f} s: timed out"
    return done.returncode == 0, done.stdout


def show_output_of(command: Sequence[str], env: Variables) -> Tuple[bool, str]:
    """As `output_of`, and the user sees it as it comes, less the list of packages that were installed.

    Where standard error is a terminal the command is given one too, so that it draws its progress bars.
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
        with suppress(OSError), open(reading, "rb", buffering=0) as stream:  # noqa: PTH123  (a terminal's end is an error)
            for part in iter(lambda: stream.read(4096), b""):
                seen += part
                shown, held = _without_list(held + part)
                sys.stderr.buffer.write(shown)
                sys.stderr.flush()
        sys.stderr.buffer.write(held)
    return process.returncode == 0, seen.decode("utf-8", "replace")


def _without_list(text: bytes) -> Tuple[bytes, bytes]:
    """What of `text` to show: no line such as ` + numpy==2.4.6`; and what to hold until more of its line is known."""
    lines = text.splitlines(keepends=True)
    held = lines.pop() if lines and lines[-1].startswith(b" ") and not lines[-1].endswith(b"\n") else b""
    return b"".join(line for line in lines if not re.match(rb" (\x1b\[\d+m)?[+~-]", line)), held
