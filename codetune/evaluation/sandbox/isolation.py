"""Isolation of a process from the machine: with bubblewrap if it works here, else with unshare from util-linux.

With both tools the process has its own process, network, mount and IPC namespaces, another user id or a user
namespace, no privileges, and fixed environment variables. Its file system is read-only and holds only the system
libraries, the interpreter, the named packages, and an empty home folder.
"""

from __future__ import annotations

import itertools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from codetune.core.errors import UserError
from codetune.evaluation.sandbox.inside import answer, examples, tester  # noqa: F401 - `start` runs them by name

_HARNESS = Path(__file__).parent / "inside"
_PACKAGE = "codetune.evaluation.sandbox.inside"
_FIRST_USER, _USERS = 1_000_000_000, 1_000_000_000
_SECONDS = 20  # time limit for the trial process, which only prints a number
_REMEDY = (
    "Install bubblewrap (`apt-get install bubblewrap`), or allow user namespaces. Code is never run without isolation."
)
# These options keep installed packages out. -I is not used: it ignores PYTHONHASHSEED, on which the order of printed
# sets depends.
_PLAIN = ("-P", "-s", "-S", "-B")
_ENVIRONMENT = {"HOME": "/home", "PATH": "/usr/bin"}
# Packages such as numpy would start threads, but the sandbox forbids new threads.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1")
# Drop all privileges before any code runs, so that the process cannot switch to another user again.
_BARE = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")

# With unshare, this shell script builds the root file system that bubblewrap builds itself: a new root in memory,
# without access to the old one.
_NEW_ROOT = """
set -e
mount -t tmpfs -o size=64k,mode=755 none "$1"; cd "$1"
mkdir -p usr dev home old python packages harness/codetune/evaluation/sandbox/inside
mount --bind -o ro,nosuid /usr usr
mount --bind -o ro,nosuid "$2" python
mount --bind -o ro,nosuid "$3" harness/codetune/evaluation/sandbox/inside
shift 3
while [ "$1" != -- ]; do
  inside="packages/${1##*/}"
  if [ -d "$1" ]; then mkdir "$inside"; else touch "$inside"; fi
  mount --bind -o ro,nosuid "$1" "$inside"; shift
done
shift
for name in bin lib lib32 lib64 sbin; do
  if [ -L "/$name" ]; then ln -s "usr/$name" "$name"
  elif [ -d "/$name" ]; then mkdir "$name"; mount --bind -o ro,nosuid "/$name" "$name"; fi
done
for name in null zero urandom; do touch "dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
ln -s old/proc proc  # needed only by umount: the link is dead after the old root is unmounted
mount -o remount,bind,ro,nosuid .
pivot_root . old; cd /home; umount -l /old
"$@"; exit $?  # no exec: the first process of a namespace would ignore the signal of its own CPU limit
"""


@dataclass(frozen=True)
class Isolation:
    """A way to start an isolated interpreter.

    :param name: the name that reports show.
    :param tool: the program that must be installed.
    :param wrap: takes a command and the paths of packages; returns the command that runs it isolated, with those paths
        visible in /packages.
    :param packages: files and folders of the packages that code in the sandbox may import.
    """

    name: str
    tool: str
    wrap: Callable[[list[str], tuple[Path, ...]], list[str]]
    packages: tuple[Path, ...] = ()

    def start(self, module: str, hash_seed: int = 0) -> subprocess.Popen[bytes]:
        """Start an isolated interpreter that runs `main` of a module of `inside`.

        :param module: the name of the module in `inside`, such as `answer`.
        :param hash_seed: the value of PYTHONHASHSEED; the order in which sets are printed depends on it.
        :returns: the process, with pipes to its standard input and from its standard output.
        """
        paths = "sys.path.insert(0, '/harness')" + ("; sys.path.append('/packages')" if self.packages else "")
        code = f"import sys; {paths}; from {_PACKAGE}.{module} import main; main()"
        return self._run(_python(code, hash_seed, _ONE_THREAD if self.packages else ()))

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.wrap(command, self.packages), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd="/", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, start_new_session=True,
        )  # fmt: skip

    def unavailable_reason(self) -> str | None:
        """Run a small program isolated, and return why that fails on this machine; None when it works."""
        if shutil.which(self.tool) is None:
            return f"{self.tool} is not installed"
        try:
            process = self._run(_python("print(6 * 7)"))
        except (OSError, ValueError) as error:
            return str(error)
        try:
            printed, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return f"no answer within {_SECONDS} s"
        return None if printed == b"42\n" else f"{self.name} ended with status {process.returncode}"


def _python(code: str, hash_seed: int = 0, more: tuple[str, ...] = ()) -> list[str]:
    """Return the command that runs `code` with this interpreter in the sandbox.

    LD_LIBRARY_PATH makes it load its own libpython rather than one of the system.
    """
    own = ("LD_LIBRARY_PATH=/python/lib", f"PYTHONHASHSEED={hash_seed}", *more)
    return ["env", *own, _interpreter(), *_PLAIN, "-c", code]


def _interpreter() -> str:
    """Return the path of this interpreter in the sandbox.

    :raises ValueError: when the interpreter is not in its own prefix, the only folder of it that is mounted.
    """
    real = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return f"/python/{real.relative_to(Path(sys.base_prefix).resolve())}"


_users = itertools.count()


def _other_user() -> list[str]:
    """Return the command prefix with which root runs a command as a user id that no account and few processes have."""
    user = str(_FIRST_USER + (os.getpid() * 1000 + next(_users)) % _USERS)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *_BARE]


def _bubblewrap(command: list[str], packages: tuple[Path, ...]) -> list[str]:
    wrap = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
            "--die-with-parent", "--new-session", "--clearenv", "--ro-bind", "/usr", "/usr",
            "--ro-bind", sys.base_prefix, "/python", "--chdir", "/home", "--cap-drop", "ALL"]  # fmt: skip
    for name, value in _ENVIRONMENT.items():
        wrap += ["--setenv", name, value]
    harness = ("/harness", "/harness/codetune", "/harness/codetune/evaluation", "/harness/codetune/evaluation/sandbox")
    for folder in ("/home", "/dev", *harness):
        wrap += ["--perms", "0755", "--dir", folder]
    wrap += ["--ro-bind", str(_HARNESS), "/harness/codetune/evaluation/sandbox/inside"]
    for name in ("bin", "lib", "lib32", "lib64", "sbin"):
        if Path("/", name).is_symlink():
            wrap += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path("/", name).is_dir():
            wrap += ["--ro-bind", f"/{name}", f"/{name}"]
    wrap += ["--perms", "0755", "--dir", "/packages"]
    for path in packages:
        wrap += ["--ro-bind", str(path), f"/packages/{path.name}"]
    for name in ("null", "zero", "urandom"):
        wrap += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    wrap += ["--remount-ro", "/"]
    if os.geteuid() == 0:
        for capability in ("SETUID", "SETGID", "SETPCAP"):  # setpriv needs them, then drops them
            wrap += ["--cap-add", f"CAP_{capability}"]
        return [*wrap, *_other_user(), *command]
    return [*wrap, "--unshare-user", "--", *command]


def _unshare(command: list[str], packages: tuple[Path, ...]) -> list[str]:
    root = os.geteuid() == 0
    own = ["unshare", "--mount", "--pid", "--fork", "--net", "--ipc", "--uts", "--kill-child=KILL"]
    own += [] if root else ["--user", "--map-root-user"]
    bare = _other_user() if root else ["setpriv", *_BARE]
    clean = ["env", "-i", *(f"{name}={value}" for name, value in _ENVIRONMENT.items())]
    return [
        *own, "sh", "-c", _NEW_ROOT, "sh", _mount_point().name, sys.base_prefix, str(_HARNESS),
        *map(str, packages), "--", *clean, *bare, *command,
    ]  # fmt: skip


@cache
def _mount_point() -> tempfile.TemporaryDirectory[str]:
    """Create an empty folder where each isolated process mounts its own root; it is deleted when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="codetune-sandbox-")
    Path(folder.name).chmod(0o755)
    return folder


ISOLATIONS = (Isolation("bubblewrap", "bwrap", _bubblewrap), Isolation("unshare", "unshare", _unshare))


def python_release() -> str:
    """Return the Python release in the sandbox, such as `3.11`: how values are printed depends on it."""
    return ".".join(platform.python_version_tuple()[:2])


@cache
def find_isolation() -> Isolation:
    """Return the first kind of isolation that works on this machine.

    :raises UserError: when none works; the message gives the reason for each.
    """
    faults = []
    for way in ISOLATIONS:
        fault = way.unavailable_reason()
        if fault is None:
            return way
        faults.append(f"{way.name}: {fault}")
    raise UserError(f"untrusted code cannot be isolated on this machine ({'; '.join(faults)})", _REMEDY)
