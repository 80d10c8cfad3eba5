"""The set-up, run as a whole in a tiny project with a registry and an index of CPU builds on the loopback address."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from codetune.core.files import digest_file
from scripts import checks, setup, uv
from tests.scripts.world import ROOT, UV, clean_environment, make_project, run_setup, served, write_index, write_wheel

pytestmark = pytest.mark.skipif(UV is None, reason="uv is not installed")


@pytest.fixture
def world(tmp_path):
    """The folders of a tiny project, and an environment that knows its registry alone."""
    folders = make_project(tmp_path)
    with served(folders["registry"]) as registry, served(folders["cpu"], "refusing") as refusing:
        path = f"{Path(UV).parent}{os.pathsep}{os.environ['PATH']}"
        env = clean_environment(tmp_path, PATH=path, PIP_INDEX_URL=registry, CODETUNE_TORCH_INDEX=refusing)
        yield folders | {"env": env}


def installed(project: Path) -> set[str]:
    return {path.name.split("-")[0] for path in project.glob(".venv/lib/python3*/site-packages/*.dist-info")}


def test_takes_a_cpu_build_from_its_index(world):
    with served(world["cpu"]) as index:
        done = run_setup(world["project"], world["env"] | {"CODETUNE_TORCH_INDEX": index})
    assert done.returncode == 0, done.stderr
    assert f"a CPU build, from {index}" in done.stdout
    assert "torch 2.13.0+cpu (CPU build) computes" in done.stdout
    assert installed(world["project"]) == {"numbers", "tiny", "torch"}
    assert " + numbers" not in done.stderr  # what was installed is no news


def test_takes_a_cpu_build_from_the_users_settings_of_pip(world):
    done = run_setup(world["project"], world["env"] | {"PIP_FIND_LINKS": str(world["cpu"])})
    assert done.returncode == 0, done.stderr
    assert "a CPU build, found by your own package settings" in done.stdout
    assert "(CPU build) computes" in done.stdout


def test_takes_the_registrys_build_with_all_it_declares_where_the_index_refuses(world):
    done = run_setup(world["project"], world["env"])
    assert done.returncode == 0, done.stderr
    assert "the build of the registry, with CUDA" in done.stdout
    assert "torch 2.13.0+cu130 (CUDA 13.0 build) computes" in done.stdout
    assert installed(world["project"]) == {"numbers", "nvidia_cublas", "tiny", "torch"}


def test_an_index_that_does_not_answer_is_given_up_within_ten_seconds(world, monkeypatch, tmp_path):
    assert setup._PROBE_S <= 10
    monkeypatch.chdir(world["project"])
    monkeypatch.setattr(setup, "_PROBE_S", 1.0)
    subprocess.run([UV, "venv", "--quiet", ".venv"], env=world["env"], check=True)
    with served(tmp_path, "silent") as silent:
        monkeypatch.setenv(setup.TORCH_INDEX, silent)
        env = {**world["env"], **uv.uv_settings({"index-url": world["env"]["PIP_INDEX_URL"]})}
        start = time.monotonic()
        build = setup.choose_torch(UV, env, ".venv/bin/python")
    assert not build.cpu
    assert "no answer within 1 s" in build.description
    assert time.monotonic() - start < 30


def test_another_build_replaces_the_first_and_what_it_alone_needed(world):
    assert run_setup(world["project"], world["env"]).returncode == 0
    done = run_setup(world["project"], world["env"] | {"PIP_FIND_LINKS": str(world["cpu"])})
    assert done.returncode == 0, done.stderr
    assert installed(world["project"]) == {"numbers", "tiny", "torch"}


def test_a_wheel_other_than_the_pinned_one_is_refused(world):
    write_wheel(world["registry"], "numbers", "1.0", "print('another')")
    write_index(world["registry"])
    done = run_setup(world["project"], world["env"])
    assert done.returncode == 2
    assert "differs from the sha256 that requirements.lock pins" in done.stderr.splitlines()[-1]


def test_no_network_is_one_line_and_the_next_try_goes_on(world):
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9", "UV_HTTP_RETRIES": "0"}
    done = run_setup(world["project"], world["env"] | unreachable)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: the package registry cannot be reached. Check the network")
    assert "Traceback" not in done.stderr
    assert run_setup(world["project"], world["env"]).returncode == 0


def test_a_build_that_does_not_run_is_told(world):
    broken = write_wheel(
        world["cpu"], "torch", "2.13.0+cpu", "raise ImportError('libcudnn.so.9: cannot open shared object file')"
    )
    (world["project"] / "requirements-cpu.lock").write_text(f"torch==2.13.0+cpu --hash=sha256:{broken}\n")
    done = run_setup(world["project"], world["env"] | {"PIP_FIND_LINKS": str(world["cpu"])})
    assert done.returncode == 2
    assert "torch was installed but does not run: ImportError: libcudnn.so.9" in done.stderr.splitlines()[-1]


def only_uv_and_git(folder: Path) -> str:
    """A folder for the PATH on which no Python lies."""
    folder.mkdir()
    for program in (UV, shutil.which("git")):
        (folder / Path(program).name).symlink_to(program)
    return str(folder)


def test_a_python_that_is_missing_is_fetched(world, tmp_path):
    version = ".".join(map(str, sys.version_info[:3]))
    short = version.rpartition(".")[0]
    inside = tmp_path / "python"
    (inside / "bin").mkdir(parents=True)
    (inside / f"lib/python{short}").mkdir(parents=True)
    data = Path(sysconfig.get_path("stdlib")).glob("_sysconfigdata*.py")  # uv reads it of what it has fetched
    for path in (Path(os.__file__), *data):
        shutil.copy(path, inside / f"lib/python{short}")
    program = inside / f"bin/python{short}"
    program.write_text(f'#!/bin/sh\nexec {sys.base_prefix}/bin/python{short} "$@"\n')
    program.chmod(0o755)
    archive = tmp_path / "cpython.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(inside, "python")
    machine = os.uname().machine
    listed = {
        "name": "cpython", "arch": {"family": machine, "variant": None}, "os": "linux", "libc": "gnu", "major": 3,
        "minor": sys.version_info[1], "patch": sys.version_info[2], "prerelease": "", "url": archive.as_uri(),
        "sha256": digest_file(archive), "variant": None, "build": "20260101",
    }  # fmt: skip
    downloads = tmp_path / "downloads.json"
    downloads.write_text(json.dumps({f"cpython-{version}-linux-{machine}-gnu": listed}))
    env = world["env"] | {
        "PATH": only_uv_and_git(tmp_path / "bin"), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"),
        "UV_PYTHON_DOWNLOADS_JSON_URL": downloads.as_uri(), "PIP_FIND_LINKS": str(world["cpu"]),
    }  # fmt: skip
    done = run_setup(world["project"], env, short)
    assert done.returncode == 0, done.stderr
    assert f"No Python {short} here; fetching {short}" in done.stdout


def test_a_python_that_cannot_be_fetched_is_one_line(world, tmp_path):
    env = world["env"] | {
        "PATH": only_uv_and_git(tmp_path / "bin"), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"),
        "UV_PYTHON_INSTALL_MIRROR": "http://127.0.0.1:9",
    }  # fmt: skip
    done = run_setup(world["project"], env)
    assert done.returncode == 2
    assert done.stderr.startswith("error: found no Python 3.11, 3.12 or 3.13, and none could be fetched")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("/nowhere/python", "/nowhere/python does not run as Python"),
        ("3.10", "codetune runs on Python 3.11 to 3.13, not on 3.10"),
    ],
)
def test_a_python_that_does_not_fit_is_one_line(world, wanted, expected):
    done = run_setup(world["project"], world["env"] | {"UV_PYTHON_INSTALL_MIRROR": "http://127.0.0.1:9"}, wanted)
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"system": "Linux", "machine": "i686"}, "found Linux on i686"),
        ({"system": "Windows", "machine": "AMD64"}, "use WSL 2"),
        ({"system": "Darwin", "machine": "x86_64"}, "macOS (arm64)"),
        ({"libc_ver": ("", "")}, "found no glibc (musl?)"),
        ({"libc_ver": ("glibc", "2.17")}, "found glibc 2.17; torch's builds need glibc 2.28"),
    ],
)
def test_machines_without_a_build_of_torch_are_refused(monkeypatch, capsys, found, expected):
    for name, value in found.items():
        monkeypatch.setattr(checks.platform, name, lambda value=value: value)
    with pytest.raises(SystemExit) as error:
        checks.check_machine()
    assert error.value.code == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("sys.maxsize", 2**31 - 1, "32-bit Python"), ("shutil.which", lambda _: None, "git not found")],
)
def test_a_32_bit_python_and_none_without_git_are_refused(monkeypatch, capsys, name, value, expected):
    monkeypatch.setattr(f"scripts.checks.{name}", value)
    with pytest.raises(SystemExit):
        checks.check_machine()
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(("flags", "expected"), [("fpu avx avx2 bmi2", True), ("fpu avx", False)])
def test_avx2_is_looked_for(tmp_path, flags, expected):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert checks._has_avx2(cpuinfo) is expected
    assert checks._has_avx2(tmp_path / "missing")


def test_a_disk_with_too_little_room_is_refused_before_anything_is_fetched(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: SimpleNamespace(free=2e9))
    with pytest.raises(SystemExit):
        checks.check_disk(6.2, tmp_path / ".venv", tmp_path / "cache")
    assert "2.0 GB are free" in capsys.readouterr().err
    checks.check_disk(1.9, tmp_path / ".venv", tmp_path / "cache")
    monkeypatch.setattr(checks, "size_gb", lambda *_: 4.5)  # already downloaded, or installed
    checks.check_disk(6.2, tmp_path / ".venv", tmp_path / "cache")


def test_files_that_have_several_names_are_counted_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_bytes(bytes(10**6))
    (tmp_path / "b").mkdir()
    os.link(tmp_path / "a/file", tmp_path / "b/file")
    assert checks.size_gb(tmp_path / "a", tmp_path / "b") == pytest.approx(0.001)


def test_folders_that_cannot_be_written_to_are_told(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(checks.os, "access", lambda *_: False)
    with pytest.raises(SystemExit):
        checks.check_writable(tmp_path)
    assert "is not writable" in capsys.readouterr().err


def site_packages(project: Path) -> Path:
    (found,) = project.glob(".venv/lib/python3*/site-packages")
    return found


def cpu_world(world):
    return world["project"], world["env"] | {"PIP_FIND_LINKS": str(world["cpu"])}


def test_a_setup_that_was_killed_while_it_installed_is_made_whole(world):
    """uv takes a package for installed whose list of files is there, whatever became of the files."""
    project, env = cpu_world(world)
    assert run_setup(project, env).returncode == 0
    (site_packages(project) / "numbers/__init__.py").unlink()
    (project / ".venv" / setup.COMPLETE).unlink()  # as the set-up does before it installs
    assert run_setup(project, env).returncode == 0
    assert (site_packages(project) / "numbers/__init__.py").exists()


def test_an_environment_that_was_moved_is_made_anew(world, tmp_path):
    project, env = cpu_world(world)
    assert run_setup(project, env).returncode == 0
    moved = tmp_path / "moved"
    project.rename(moved)
    assert run_setup(moved, env).returncode == 0
    assert str(moved) in (moved / ".venv/bin/activate").read_text()


def test_the_python_that_an_environment_was_made_from_is_not_touched(world):
    """Without pyvenv.cfg the environment's Python is that one."""
    project, env = cpu_world(world)
    assert run_setup(project, env).returncode == 0
    (project / ".venv/pyvenv.cfg").unlink()
    done = run_setup(project, env)
    assert done.returncode == 2
    assert "Remove it, then try again: make clean install" in done.stderr


def test_a_password_is_not_printed(world):
    with served(world["cpu"]) as index:
        address = index.replace("http://", "http://joe:s3cret@")
        done = run_setup(world["project"], world["env"] | {"CODETUNE_TORCH_INDEX": address})
    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert f"from {index}" in done.stdout


def test_a_pipe_that_is_closed_ends_it_quietly(world):
    project, env = cpu_world(world)
    command = f"{sys.executable} -m scripts.setup | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 141)
    assert "Traceback" not in done.stderr


def test_make_sets_up_again_what_is_not_whole(world):
    project, env = cpu_world(world)
    shutil.copy(ROOT / "Makefile", project)

    def make(*arguments):
        done = subprocess.run(
            ["make", *arguments, "install"], cwd=project, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "[5/5]" in make()
    assert "Nothing to be done" in make()
    (project / ".venv" / setup.COMPLETE).unlink()
    assert "[5/5]" in make()
    for program in (project / ".venv/bin").glob("python*"):
        program.unlink()
    assert "[5/5]" in make()
    other = project / "another python"  # a path with a space
    other.symlink_to(sys.executable)
    assert "[5/5]" in make(f"PYTHON={other}")
    assert not [path.name for path in project.iterdir() if "stamp" in path.name or path.name.endswith("-python")]
