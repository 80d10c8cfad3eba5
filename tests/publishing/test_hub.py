"""`codetune export hub`, with the real client against a local server in place of the model hub."""

import socket

import pytest

from codetune.core.files import write_text
from codetune.publishing.exported import EXPORT
from tests.conftest import run_python
from tests.publishing.hub_stub import TOKEN, hub_stub

FILES = {
    "README.md": "---\nlicense: mit\n---\n",
    "config.json": "{}",
    "gguf/tuned-q8_0.gguf": "weights",
    "model.safetensors": "tensors",
    "tokenizer.json": "{}",
}


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        write_text(tmp_path / "project" / EXPORT / name, text)
    return tmp_path / "project"


@pytest.fixture
def hub():
    with hub_stub() as stub:
        yield stub


@pytest.fixture
def push(project, tmp_path):
    """Run the command; the client finds neither a token nor a cache of this machine's user."""

    def run(url, *words, token=TOKEN, offline=""):
        # Without xet, because the stub speaks the protocol of LFS only.
        environment = {"HF_ENDPOINT": url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
        environment |= {
            "HF_HUB_OFFLINE": offline,
            "HF_TOKEN": token,
            "HUGGING_FACE_HUB_TOKEN": "",
            "NO_PROXY": "127.0.0.1",
        }
        return run_python("-m", "codetune", "export", "hub", *words, cwd=project, check=False, **environment)

    return run


def contents(files):
    return {name: content.decode() for name, content in files.items()}


def test_the_export_is_pushed_as_it_is(push, hub):
    done = push(hub.url, "me/tuned", "--private")
    assert done.returncode == 0, done.stderr
    assert contents(hub.branches["me/tuned"]["main"]) == FILES
    assert hub.private == {"me/tuned": True}
    assert hub.tokens == {f"Bearer {TOKEN}"}
    assert f"{hub.url}/me/tuned/commit/" in done.stdout
    assert TOKEN not in done.stdout + done.stderr
    assert hub.messages == ["Upload the model that codetune exported"]


def test_a_second_push_goes_to_its_branch(push, hub):
    hub.branches["me/tuned"], hub.private["me/tuned"] = {"main": {"notes.txt": b"mine"}}, False
    done = push(hub.url, "me/tuned", "--revision", "v2")
    assert done.returncode == 0, done.stderr
    assert contents(hub.branches["me/tuned"]["v2"]) == FILES
    assert hub.branches["me/tuned"]["main"] == {"notes.txt": b"mine"}


def test_a_public_repository_is_no_private_one(push, hub):
    hub.branches["me/tuned"], hub.private["me/tuned"] = {"main": {"notes.txt": b"mine"}}, False
    text = "me/tuned is a public repository that exists already, so --private cannot hold. Make it private"
    assert text in said(push(hub.url, "me/tuned", "--private"))
    assert hub.branches["me/tuned"]["main"] == {"notes.txt": b"mine"}


def test_dry_lists_the_files_and_sends_nothing(push, hub):
    done = push(hub.url, "me/tuned", "--dry", token="")
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in FILES)
    assert "5 files" in done.stdout
    assert "nothing was sent" in done.stdout
    assert hub.branches == {}


def said(done):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    *progress, line = done.stderr.splitlines()  # the client shows the progress of each large file
    assert not any("rror" in text for text in progress)
    return line


@pytest.mark.parametrize(
    ("refuse", "text"),
    [
        ({"create": 401}, "the hub does not accept the token. Run `hf auth login`"),
        ({"create": 403}, "the token may not write to me/tuned (403: You do not have write access)"),
        ({"commit": 403}, "the token may not write to me/tuned (403: You do not have write access)"),
        ({"preupload": 404}, "the hub has no repository or branch for me/tuned"),
        ({"create": 500}, "the hub refused to take the files for me/tuned (status 500"),
    ],
)
def test_a_refusal_is_one_line(push, hub, refuse, text):
    hub.refuse = refuse
    assert text in said(push(hub.url, "me/tuned"))


def test_no_token(push, hub):
    assert "there is no token for the model hub. Run `hf auth login`" in said(push(hub.url, "me/tuned", token=""))
    assert hub.branches == {}


@pytest.mark.parametrize("name", ["a/b/c", "me/my model", "me/-x-"])
def test_a_wrong_name(push, hub, name):
    assert f"{name!r} is not the name of a repository" in said(push(hub.url, name))


def test_no_network(push):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert f"pushing to me/tuned at {url} failed" in said(push(url, "me/tuned"))


def test_offline_mode(push, hub):
    assert "HF_HUB_OFFLINE is set" in said(push(hub.url, "me/tuned", offline="1"))


def test_no_export_yet(push, hub, project):
    (project / EXPORT).rename(project / "elsewhere")
    assert "there is no exported model in models/export yet. Run `dvc repro export`" in said(push(hub.url, "me/tuned"))
