"""dvc.yaml tells the truth: each stage names its own file and exactly the code that it imports."""

import ast
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from codetune.cli.sections import SECTIONS
from codetune.core.imports import imported_modules
from scripts.deps import code_of, with_code

ROOT = Path(__file__).parent.parent
PIPELINE = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE.items()}


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_exact(stage):
    declared = {dep for dep in STAGES[stage]["deps"] if dep.startswith(("codetune/", "stages/"))}
    assert declared == code_of(stage), "run `make deps`"


def test_a_list_that_is_not_exact_is_mended_and_nothing_else():
    text = (ROOT / "dvc.yaml").read_text()
    wrong = text.replace("      - codetune/data/clean\n", "      - codetune/gone.py\n", 1)
    assert wrong != text
    assert with_code(wrong) == with_code(text) == text


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_not_import_each_other(stage):
    assert not {name for name in imported_modules(ROOT / f"stages/{stage}.py") if name.startswith("stages.")}


COMPUTING = ("ingest", "clean", "augment", "examine", "benchmarks", "base", "train", "generate", "score", "execute")


@pytest.mark.parametrize("stage", COMPUTING)
def test_a_sentence_a_caption_or_a_colour_runs_no_computation_again(stage):
    """Reasons, captions, plots and cards live in codetune/reporting, and no stage that computes depends on it."""
    assert not [dep for dep in STAGES[stage]["deps"] if dep.startswith(("codetune/reporting", "codetune/app"))]


def test_every_section_is_tracked_by_a_stage():
    tracked = {section.split(".")[0] for stage in STAGES.values() for section in stage["params"]}
    assert tracked == {section.section for section in SECTIONS} - {"serve"}  # no stage reads it


def test_library_knows_neither_stages_nor_streamlit():
    for path in (ROOT / "codetune").rglob("*.py"):
        text = ast.unparse(ast.parse(path.read_text()))
        assert "from stages" not in text, path
        if "app" not in path.relative_to(ROOT).parts:
            assert "import streamlit" not in text, path


def test_outputs_survive_a_failure():
    for stage in STAGES.values():
        for output in [*stage.get("outs", []), *stage.get("metrics", [])]:
            (options,) = output.values()
            assert options["persist"] is True, output


def test_an_experiment_stores_no_merged_model():
    output = STAGES["export"]["outs"][0]
    assert output["models/export"]["cache"] is False
    ignored = subprocess.run(["git", "check-ignore", "-q", "models/export/model.safetensors"], cwd=ROOT, check=False)
    assert ignored.returncode == 0


def test_compiled_python_is_no_part_of_a_digest():
    # Python leaves it beside the code, unless it is told not to; a lock that counts it is another one on each machine.
    ignored = Repo(str(ROOT)).dvcignore
    assert ignored.is_ignored_file(str(ROOT / "codetune/__pycache__/files.cpython-311.pyc"))
    assert not ignored.is_ignored_file(str(ROOT / "codetune/core/files.py"))
