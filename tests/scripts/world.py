"""A tiny project with a tiny package registry, in which the set-up runs as it does for real."""

from __future__ import annotations

import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
TORCH = """
class version:
    cuda = {cuda!r}
class _Matrix:
    def __matmul__(self, other): return self
    def __getitem__(self, at): return self
    def item(self): return 64
def ones(*shape): return _Matrix()
__version__ = {version!r}
"""
BACKEND = """
import base64, hashlib, pathlib, zipfile
def build_editable(folder, *_):
    name = "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return name
"""


def write_wheel(folder: Path, name: str, version: str, source: str = "", requires: tuple[str, ...] = ()) -> str:
    """Write a wheel of one module; the sha256 of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", source)
        needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{name}/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def torch_source(version: str, cuda: str | None) -> str:
    return TORCH.format(version=version, cuda=cuda)


def write_index(folder: Path) -> None:
    """Make a folder of wheels a package index: a page for each package with the names of its files."""
    wheels = sorted(folder.glob("*.whl"))
    for name in {wheel.name.split("-")[0] for wheel in wheels}:
        links = "".join(
            f'<a href="../{wheel.name}">{wheel.name}</a>' for wheel in wheels if wheel.name.startswith(f"{name}-")
        )
        page = folder / name.replace("_", "-")
        page.mkdir(exist_ok=True)
        (page / "index.html").write_text(f"<html><body>{links}</body></html>")


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class _Refusing(_Handler):
    def do_GET(self) -> None:
        self.send_error(403, "Forbidden")

    def do_HEAD(self) -> None:
        self.do_GET()


class _Silent(_Handler):
    def do_GET(self) -> None:
        self.server.released.wait(60)  # type: ignore[attr-defined]

    def do_HEAD(self) -> None:
        self.do_GET()


@contextmanager
def served(folder: Path, how: str = "plain") -> Iterator[str]:
    """The address of a server on the loopback address: of the files of `folder`, `refusing`, or `silent`."""
    handler = {"plain": _Handler, "refusing": _Refusing, "silent": _Silent}[how]

    def make(*arguments: object) -> http.server.BaseHTTPRequestHandler:
        return handler(*arguments, directory=str(folder))  # type: ignore[arg-type]

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), make)
    server.released = threading.Event()  # type: ignore[attr-defined]
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.released.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


def make_project(folder: Path) -> dict[str, Path]:
    """A project to set up in `folder / "my project"`, its registry, and an index of CPU builds beside it."""
    project, registry, cpu = folder / "my prøject", folder / "registry", folder / "cpu"
    plain = write_wheel(registry, "numbers", "1.0")
    cuda = write_wheel(registry, "nvidia_cublas", "13.0")
    public = write_wheel(registry, "torch", "2.13.0", torch_source("2.13.0+cu130", "13.0"), ("nvidia_cublas==13.0",))
    built = write_wheel(cpu, "torch", "2.13.0+cpu", torch_source("2.13.0+cpu", None))
    for index in (registry, cpu):
        write_index(index)
    shutil.copytree(ROOT / "scripts", project / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "requirements.lock").write_text(f"numbers==1.0 --hash=sha256:{plain}\n")
    (project / "requirements-cpu.lock").write_text(f"torch==2.13.0+cpu --hash=sha256:{built}\n")
    (project / "requirements-cuda.lock").write_text(
        f"torch==2.13.0 --hash=sha256:{public}\nnvidia-cublas==13.0 --hash=sha256:{cuda}\n"
    )
    (project / "tiny_backend.py").write_text(BACKEND)
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "tiny_backend"\nbackend-path = ["."]\n[project]\nname = "tiny"\nversion = "1"\n'
    )
    return {"project": project, "registry": registry, "cpu": cpu}


def clean_environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment in which nothing of this machine's package settings and caches is seen."""
    hidden = ("PIP_", "UV_", "VIRTUAL_ENV", "CODETUNE_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    return {
        **kept, "HOME": str(folder), "XDG_CONFIG_DIRS": str(folder), "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": str(folder / "uv-cache"), **more,
    }  # fmt: skip


def run_setup(project: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.setup", *arguments],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
