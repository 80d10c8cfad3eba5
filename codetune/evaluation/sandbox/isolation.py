"""How a process is cut off from the machine: by bubblewrap where it is installed, else by util-linux's unshare.

Either way it has process, network, mount and IPC namespaces of its own, another user's identity or a namespace of
users, no privileges, an environment that is always the same, and a file system that is read-only throughout and holds
the system's libraries, the interpreter, and an empty home.
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
from codetune.evaluation.sandbox.inside import answer, examples, tester  # noqa: F401 - started by their names

_HARNESS = Path(__file__).parent / "inside"
_PACKAGE = "codetune.evaluation.sandbox.inside"
_FIRST_USER, _USERS = 1_000_000_000, 1_000_000_000
_SECONDS = 20  # for a process that does nothing
_REMEDY = "Install bubblewrap (`apt-get install bubblewrap`), or allow user namespaces; nothing is run unprotected."
# Without packages. Not -I, which would let nobody say how strings are hashed, and so in which order sets are printed.
_PLAIN = ("-P", "-s", "-S", "-B")
_ENVIRONMENT = {"HOME": "/home", "PATH": "/usr/bin"}
# Of packages that would start threads, which nothing in there may.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1")
# Privileges given up before anything runs; with them goes the way back to other users.
_BARE = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")

# What unshare's shell does, as bubblewrap does by itself: a new root in memory, the old one taken away.
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
ln -s old/proc proc  # for umount alone: it leads nowhere once the old root is gone
mount -o remount,bind,ro,nosuid .
pivot_root . old; cd /home; umount -l /old
"$@"; exit $?  # no exec: the first process of a namespace is deaf to the signal of its limit
"""


@dataclass(frozen=True)
class Isolation:
    """A way to start an isolated interpreter.

    :param name: as it is told beside the figures.
    :param tool: the program that it takes.
    :param wrap: makes a command one that runs isolated, with files and folders to be seen in /packages.
    :param packages: those files and folders, of packages that may be imported.
    """

    name: str
    tool: str
    wrap: Callable[[list[str], tuple[Path, ...]], list[str]]
    packages: tuple[Path, ...] = ()

    def start(self, module: str, hash_seed: int = 0) -> subprocess.Popen[bytes]:
        """An interpreter that runs the `main` of a module of `inside`, with pipes to and from it.

        :param hash_seed: decides how strings are hashed, and with it in which order sets are printed.
        """
        paths = "sys.path.insert(0, '/harness')" + ("; sys.path.append('/packages')" if self.packages else "")
        code = f"import sys; {paths}; from {_PACKAGE}.{module} import main; main()"
        return self._run(_python(code, hash_seed, _ONE_THREAD if self.packages else ()))

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.wrap(command, self.packages), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd="/", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, start_new_session=True,
        )  # fmt: skip

    def fault(self) -> str | None:
        """Why this way is not open on this machine; None when it is."""
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
    """The command that runs `code` in this interpreter inside; its own library goes before one of the system."""
    own = ("LD_LIBRARY_PATH=/python/lib", f"PYTHONHASHSEED={hash_seed}", *more)
    return ["env", *own, _interpreter(), *_PLAIN, "-c", code]


def _interpreter() -> str:
    """Where this interpreter is found inside.

    :raises ValueError: when it lies outside of its own prefix, which is all that is let in.
    """
    real = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return f"/python/{real.relative_to(Path(sys.base_prefix).resolve())}"


_users = itertools.count()


def _other_user() -> list[str]:
    """For root: run as a user that nobody is, and hardly any other process of the sandbox."""
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
        for capability in ("SETUID", "SETGID", "SETPCAP"):  # for setpriv, which gives them up
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
    """An empty folder, on which each process mounts a root that no other sees; it goes with this process."""
    folder = tempfile.TemporaryDirectory(prefix="codetune-sandbox-")
    Path(folder.name).chmod(0o755)
    return folder


WAYS = (Isolation("bubblewrap", "bwrap", _bubblewrap), Isolation("unshare", "unshare", _unshare))


def python_release() -> str:
    """The release of the Python that the sandbox runs, such as `3.11`: what values print depends on it."""
    return ".".join(platform.python_version_tuple()[:2])


@cache
def find_isolation() -> Isolation:
    """The first way that is open on this machine.

    :raises UserError: when there is none, with what each was refused for.
    """
    faults = []
    for way in WAYS:
        fault = way.fault()
        if fault is None:
            return way
        faults.append(f"{way.name}: {fault}")
    raise UserError(f"this machine offers no isolation to run unknown code in ({'; '.join(faults)})", _REMEDY)
