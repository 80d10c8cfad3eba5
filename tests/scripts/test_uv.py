import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import uv
from tests.scripts.world import clean_environment, write_wheel


@pytest.mark.parametrize(
    ("pip", "expected"),
    [
        ({"index-url": "https://mirror/simple"}, {"UV_DEFAULT_INDEX": "https://mirror/simple"}),
        ({"extra-index-url": "file:///a\nfile:///b"}, {"UV_INDEX": "file:///a file:///b"}),
        ({"find-links": "/wheels /more"}, {"UV_FIND_LINKS": "/wheels,/more"}),
        ({"no-index": "true"}, {"UV_NO_INDEX": "true"}),
        ({"trusted-host": "mirror"}, {"UV_INSECURE_HOST": "mirror"}),
        (
            {"proxy": "http://proxy:3128", "cert": "/ca.pem"},
            {"HTTPS_PROXY": "http://proxy:3128", "SSL_CERT_FILE": "/ca.pem"},
        ),
    ],
)
def test_settings_of_pip_become_those_of_uv(monkeypatch, pip, expected):
    for name in [name for name in os.environ if name.startswith("UV_") or name in ("HTTPS_PROXY", "SSL_CERT_FILE")]:
        monkeypatch.delenv(name)
    found = uv.uv_settings(pip)
    always = ("UV_INDEX_STRATEGY", "UV_SYSTEM_CERTS")
    assert {key: value for key, value in found.items() if key not in always} == expected


def test_settings_of_uv_that_the_user_made_stay(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://own")
    assert "UV_DEFAULT_INDEX" not in uv.uv_settings({"index-url": "https://mirror"})


def test_settings_of_pip_are_read_from_its_file_and_environment(monkeypatch, tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://file\nextra-index-url = https://a\n    https://b\n[freeze]\ntimeout = 3\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_INDEX_URL", "https://environment")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    found = uv.pip_settings([sys.executable, "-m", "pip"])
    assert found["index-url"] == "https://environment"
    assert found["extra-index-url"].split() == ["https://a", "https://b"]
    assert "timeout" not in found or os.environ.get("PIP_TIMEOUT")
    assert "find-links" not in found


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (
            "error: Failed to fetch: `https://x/`\n  cause: dns error\n  cause: Name or service not known",
            "the package registry cannot be reached",
        ),
        ("error: x\n  cause: invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE=/path/to/it.pem"),
        ("error: failed to write\n  cause: No space left on device (os error 28)", "the disk is full"),
        ("error: x\n  cause: tunnel error: unsuccessful", "the proxy refuses the connection"),
        ("error: x\n  cause: Hash mismatch for `numbers==1.0`", "differs from the sha256"),
        ("error: something new", "something new. Run the same command again"),
        ("", "it printed nothing"),
    ],
)
def test_failures_become_one_line(printed, expected):
    found = uv.explain(printed)
    assert expected in found
    assert "\n" not in found


def test_the_first_and_the_last_cause_are_told():
    text = "Resolving\n\x1b[31merror\x1b[0m: Failed to fetch: x\n  cause: error sending\n  cause: Name or service not known\n"
    assert uv.error_summary(text) == "Failed to fetch: x: Name or service not known"


def test_without_pip_its_settings_are_those_of_the_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror/it's")
    assert uv.pip_settings([]) == {"index-url": "https://mirror/it's"}


def write_lock(folder: Path, sha256: str) -> Path:
    lock = folder / "requirements.lock"
    lock.write_text(
        f"urllib3==2.8.0 \\\n    --hash=sha256:{'0' * 64}\nuv==9.9.9 \\\n    --hash=sha256:{sha256}\n    # via codetune\nzz==1 \\\n    --hash=sha256:{'1' * 64}\n"
    )
    return lock


@pytest.fixture
def sha256(monkeypatch, tmp_path):
    """The digest of a wheel of uv, the only thing that pip finds."""
    options = {"PIP_FIND_LINKS": str(tmp_path / "links"), "PIP_NO_INDEX": "1", "PATH": "/nowhere"}
    for key, value in clean_environment(tmp_path, **options).items():
        monkeypatch.setenv(key, value)
    return write_wheel(tmp_path / "links", "uv", "9.9.9")


def test_the_pinned_uv_is_fetched_once_with_pip(monkeypatch, tmp_path, sha256):
    cache = tmp_path / "with space" / ".cache"
    monkeypatch.setattr(uv, "PROGRAM", Path("uv/__init__.py"))
    found = uv.find(sys.executable, write_lock(tmp_path, sha256), cache)
    assert found == str(cache / "uv-9.9.9/uv/__init__.py")
    assert [path.name for path in cache.iterdir()] == ["uv-9.9.9"]
    monkeypatch.setattr(uv, "_fetch", lambda *_: pytest.fail("fetched twice"))
    assert uv.find(sys.executable, write_lock(tmp_path, sha256), cache) == found


@pytest.mark.usefixtures("sha256")
def test_another_uv_than_the_pinned_one_is_not_taken(tmp_path, capsys):
    with pytest.raises(SystemExit):
        uv.find(sys.executable, write_lock(tmp_path, "0" * 64), tmp_path / ".cache")
    assert "uv, which sets up the environment, could not be fetched" in capsys.readouterr().err
    assert list((tmp_path / ".cache").iterdir()) == []


def test_python_without_pip_gets_one_for_the_purpose(tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    assert uv.pip_of(str(bare / "bin/python"), tmp_path) == []
    pip = uv._made_pip(str(bare / "bin/python"), tmp_path)
    assert pip == uv.pip_of(str(bare / "bin/python"), tmp_path)
    assert pip[0] == str(tmp_path / "bootstrap/bin/python")
    assert subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode == 0


def test_python_with_neither_pip_nor_ensurepip_is_one_line(monkeypatch, tmp_path, capsys):
    false = tmp_path / "python"
    false.write_text("#!/bin/sh\nexit 1\n")
    false.chmod(0o755)
    with pytest.raises(SystemExit):
        uv._made_pip(str(false), tmp_path)
    assert "has neither pip nor ensurepip" in capsys.readouterr().err


def test_a_command_that_hangs_is_given_up():
    start = time.monotonic()
    done, printed = uv.output_of(["sleep", "30"], dict(os.environ), 0.2)
    assert not done
    assert "no answer within" in printed
    assert time.monotonic() - start < 15


def test_what_is_installed_is_not_listed(capfd):
    script = "import sys; sys.stderr.write('Downloading torch (1 GiB)\\n + numpy==2\\n \\x1b[32m+\\x1b[39m torch\\nInstalled 2\\n Downloaded torch')"
    done, seen = uv.show_output_of([sys.executable, "-c", script], dict(os.environ))
    assert done
    assert "numpy" in seen
    assert capfd.readouterr().err == "Downloading torch (1 GiB)\nInstalled 2\n Downloaded torch"


def test_the_scripts_run_on_old_pythons():
    """They run before anything is installed, on whatever Python there is: nothing newer than the grammar of 3.8."""
    import ast

    for name in ("checks.py", "uv.py", "setup.py", "__init__.py"):
        source = (Path(uv.__file__).parent / name).read_text(encoding="utf-8")
        ast.parse(source, feature_version=(3, 8))
        imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
        assert imported <= {None, "__future__", "contextlib", "pathlib", "scripts", "scripts.checks", "typing"}


def test_a_line_that_comes_in_pieces_is_held_until_it_is_known():
    assert uv._without_list(b"Prepared\n + num") == (b"Prepared\n", b" + num")
    assert uv._without_list(b" + numpy==2\n") == (b"", b"")
    assert uv._without_list(b"torch  12 %") == (b"torch  12 %", b"")
