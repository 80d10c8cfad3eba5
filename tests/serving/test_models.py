"""Names of models, and which of them share a base."""

import shutil
from pathlib import Path

from codetune.core.files import write_text
from codetune.history.models import ModelFiles
from codetune.serving.models import find_model, find_models, group_by_base, open_models
from codetune.serving.params import ServeParams
from tests.conftest import one_line
from tests.models.gguf_files import make_gguf

PARAMS = ServeParams(
    engine="torch",
    port=0,
    slots=1,
    context=64,
    max_tokens=8,
    revisions=[],
    prompt_lookup=False,
    allowed_hosts=[],
    allowed_origins=[],
)


def test_models_of_revisions_share_the_base(models):
    files, missing = find_models(models.root, ["low", "high", "low"])
    assert list(files) == ["base", "tuned", "tuned@low", "tuned@high"]
    assert not missing
    found, notes, closing = open_models(files, PARAMS, models.root, 1)
    with closing:
        assert len({id(model.engine) for model in found.values()}) == 1
        assert list(found) == list(files)
        assert found["tuned"].created > 0
    assert not notes


def test_names_that_are_no_models(models):
    for name in ("other", "tuned@", "base@low", ""):
        with one_line("there is no model"):
            find_model(models.root, name)
    with one_line("there is no revision"):
        find_model(models.root, "tuned@nowhere")


def test_without_an_adapter_the_base_is_served(models, tmp_path):
    root = Path(shutil.copytree(models.root, tmp_path / "project"))
    shutil.rmtree(root / "models/adapter")
    files, missing = find_models(root, [])
    assert list(files) == ["base"]
    assert "no adapter" in missing[0]


def test_another_template_is_another_base(tmp_path):
    names = ("one", "same", "other")
    for name in names:
        make_gguf(tmp_path / "made.gguf")
        (tmp_path / name).mkdir()
        (tmp_path / "made.gguf").rename(tmp_path / name / "made.gguf")
        for beside in ("config.json", "tokenizer.json"):
            write_text(tmp_path / name / beside, "{}")
        write_text(tmp_path / name / "chat_template.jinja", "{{ other }}" if name == "other" else "{{ one }}")
    groups = group_by_base({name: ModelFiles(str(tmp_path / name), None) for name in names})
    assert [list(group) for group in groups] == [["one", "same"], ["other"]]
