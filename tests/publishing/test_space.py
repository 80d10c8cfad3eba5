"""The Space is complete: its pages run in its folder, with nothing but its own code and its own requirements."""

import json
import re

import pytest

from codetune.core.files import read_json, write_json, write_text
from codetune.core.yaml_text import read_yaml
from codetune.publishing.requirements import normalised
from codetune.publishing.space import write_space
from tests.conftest import ROOT, one_line, run_python

# Runs a page in the folder of the Space. Packages that requirements.txt does not name, and the project itself, cannot be
# imported; there is no git, and no connection leaves the process.
RUN = """
import importlib.metadata, json, os, re, socket, sys
from importlib.machinery import PathFinder
from pathlib import Path

page, project = sys.argv[1:]
sys.path = [place for place in sys.path if place and Path(place).resolve() != Path(project).resolve()]
sys.path.insert(0, os.getcwd())
named = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"(?m)^([A-Za-z0-9][\\w.-]*)==", Path("requirements.txt").read_text())}
owners = importlib.metadata.packages_distributions()

class Named(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        found = owners.get(name, []) if "." not in name else []
        if name != "codetune" and found and not {re.sub(r"[-_.]+", "-", one).lower() for one in found} & named:
            return None
        return super().find_spec(name, path, target)

sys.meta_path = [Named if finder is PathFinder else finder for finder in sys.meta_path]

own = socket.socket.connect

def connect(self, address):
    if self.family != socket.AF_UNIX:  # llama.cpp listens on a file of its own
        raise OSError("the page opens a connection")
    return own(self, address)

socket.socket.connect = connect
from streamlit.testing.v1 import AppTest

def check():
    if app.exception or app.error:
        sys.exit(str([item.value for item in (*app.exception, *app.error)]))  # more is in what the page wrote to stderr

app = AppTest.from_file(page, default_timeout=120).run()
check()
texts = {}
if page == "app.py":
    next(box for box in app.number_input if box.label == "Max. new tokens").set_value(4)
    app.run()
    next(button for button in app.button if button.label == "Generate").click().run()
    check()
    while "question" in app.session_state and app.session_state["question"].asked.running:
        app.run()
    texts = app.session_state["question"].asked.last
import codetune

told = [item.value for kind in ("title", "error", "info", "warning", "markdown") for item in getattr(app, kind)]
print(json.dumps({"texts": {name: event.tokens for name, event in texts.items()}, "told": told,
                  "engine": page == "app.py" and app.session_state["question"].engine,
                  "errors": [item.value for item in (*app.error, *app.exception)],
                  "code": codetune.__file__, "buttons": [item.label for item in app.button]}))
"""


@pytest.fixture
def reports(root):
    """The committed reports of the project."""
    import shutil

    shutil.rmtree(root / "reports")
    shutil.copytree(ROOT / "reports", root / "reports")


@pytest.fixture
def space(root, reports, tmp_path):
    write_space(root, tmp_path / "space", "My model")
    return tmp_path / "space"


def run_page(space, page):
    done = run_python(
        "-c",
        RUN,
        page,
        ROOT,
        cwd=space,
        PATH="/nowhere",
        PYTHONPATH="",
        HF_HUB_OFFLINE="1",
        STREAMLIT_CLIENT_SHOW_ERROR_DETAILS="full",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_both_models_answer(space):
    found = run_page(space, "app.py")
    assert found["errors"] == []
    assert set(found["texts"]) == {"left", "right"}
    assert all(0 < tokens <= 4 for tokens in found["texts"].values())
    assert found["code"].startswith(str(space))
    assert not any("orrect" in label for label in found["buttons"])
    assert found["engine"] == "llama.cpp answers."


def test_the_reports_are_shown(space):
    # AppTest opens only the first page of a list, so a script opens the other one as the Space does.
    write_text(
        space / "only_compare.py",
        "import os\nos.environ['CODETUNE_SPACE'] = '1'\nfrom codetune.app.pages import compare\ncompare.page()\n",
    )
    found = run_page(space, "only_compare.py")
    assert found["errors"] == []
    assert found["told"][0] == "Compare"
    assert any("BERTScore" in text for text in found["told"])
    assert not any("dvc exp run" in text for text in found["told"])
    assert "Swap" not in found["buttons"]


def test_the_folder_has_a_configuration_and_no_path_of_this_machine(space, root):
    front = (space / "README.md").read_text().split("---\n")[1]
    assert read_yaml(front) == {
        "title": "My model", "emoji": "🧪", "colorFrom": "blue", "colorTo": "yellow", "sdk": "docker", "app_port": 7860,
        "pinned": False, "license": "apache-2.0",
    }  # fmt: skip
    params = read_yaml((space / "params.yaml").read_text())
    assert set(params) == {"numerics", "model", "clean", "score", "serve"}
    assert params["serve"]["revisions"] == []
    assert params["score"] == {"seed": 7, "bootstrap_samples": 100, "confidence": 0.9}
    assert params["model"]["base"] == "models/base.gguf"
    texts = [
        path.read_text()
        for path in space.rglob("*")
        if path.suffix in {"", ".txt", ".yaml", ".md", ".toml"} and path.is_file()
    ]
    assert not any("../private" in text for text in texts)
    assert str(root) not in "".join(texts)


def test_the_image_listens_where_the_configuration_says(space):
    docker = (space / "Dockerfile").read_text()
    assert "--server.port=7860" in docker
    assert "--server.address=0.0.0.0" in docker
    assert "--require-hashes" in docker


def test_each_requirement_is_pinned_with_a_digest(space):
    lines = (space / "requirements.txt").read_text().splitlines()
    assert lines[0] == "--extra-index-url https://download.pytorch.org/whl/cpu"
    entries = re.split(r"\n(?=\S)", "\n".join(lines[1:]))
    assert all(re.match(r"[\w.-]+==\S+ .*\\\n    --hash=sha256:", entry) for entry in entries)
    names = {normalised(entry.split("==")[0]) for entry in entries}
    assert {"streamlit", "torch", "transformers"} <= names
    assert not names & {"dvc", "pytest", "mypy"}


def test_the_models_are_the_base_and_the_adapter(space, root):
    assert (space / "models/base.gguf").read_bytes() == (root / "models/base.gguf").read_bytes()
    assert {path.name for path in (space / "models/adapter").iterdir()} == {
        path.name for path in (root / "models/adapter").iterdir()
    }
    weights = "models/adapter/adapter_model.safetensors"
    assert (space / weights).read_bytes() == (root / weights).read_bytes()
    config = read_json(space / "models/adapter/adapter_config.json")
    assert config["base_model_name_or_path"] == "models/base.gguf"
    assert not (space / "models/export").exists()


def test_of_a_folder_only_the_files_of_a_model_are_copied(root, tmp_path):
    model = root / "models/folder"
    for name in ("config.json", "tokenizer.json", "model.safetensors", "pytorch_model.bin", ".env", "notes.md"):
        write_text(model / name, "{}")
    params = read_yaml((root / "params.yaml").read_text())
    params["model"]["base"] = str(model)
    write_json(root / "params.yaml", params)
    write_space(root, tmp_path / "space", "x")
    copied = {path.name for path in (tmp_path / "space/models/base").iterdir()}
    assert copied == {"config.json", "tokenizer.json", "model.safetensors"}


def test_a_parameter_that_an_older_version_had_not(root, tmp_path):
    params = read_yaml((root / "params.yaml").read_text())
    del params["serve"]["prompt_lookup"]
    write_json(root / "params.yaml", params)
    with one_line("params.yaml has no serve.prompt_lookup. Add it"):
        write_space(root, tmp_path / "space", "x")


def test_a_project_without_its_adapter(root, tmp_path):
    (root / "models/adapter/adapter_model.safetensors").unlink()
    with one_line("models/adapter has no adapter_model.safetensors", "`dvc repro train`"):
        write_space(root, tmp_path / "space", "x")


def test_a_project_without_an_export(root, tmp_path):
    (root / "models/export").rename(root / "models/gone")
    with one_line("there is no exported model in models/export yet", "`dvc repro export`"):
        write_space(root, tmp_path / "space", "x")


def test_a_folder_that_is_not_empty(root, tmp_path):
    write_text(tmp_path / "space/mine.txt", "mine")
    with one_line("is not empty"):
        write_space(root, tmp_path / "space", "x")
    assert [path.name for path in (tmp_path / "space").iterdir()] == ["mine.txt"]
