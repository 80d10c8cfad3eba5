"""dvc.yaml tells the truth: each stage names its own file and exactly the code that it imports."""

import ast
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from codetune.sections import SECTIONS

ROOT = Path(__file__).parent.parent
PIPELINE = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE.items()}


def imported_modules(path: Path) -> set[str]:
    """Every codetune or stages module that a file imports, at the top or inside functions; not for type checking."""
    found = set()
    tree = ast.parse(path.read_text())
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in {"codetune", "stages"}}


def module_file(name: str) -> Path | None:
    place = ROOT / name.replace(".", "/")
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def code_of(stage: str) -> set[str]:
    """The files of the library that a stage reaches, packages by their folder, but tables' schemas each by itself."""
    pending, seen = [ROOT / f"stages/{stage}.py"], set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        pending += [file for name in imported_modules(path) if (file := module_file(name))]
    schemas = {path.relative_to(ROOT) for path in (ROOT / "codetune/schemas").glob("*.py")}
    relative = {path.relative_to(ROOT) for path in seen} - {Path("codetune/__init__.py")}
    whole = {path for path in relative if path.parts[0] == "codetune" and len(path.parts) > 2} - schemas
    return {str(path.parent if path in whole else path) for path in relative}


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_exact(stage):
    declared = {dep for dep in STAGES[stage]["deps"] if dep.startswith(("codetune/", "stages/"))}
    assert declared == code_of(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_not_import_each_other(stage):
    assert not {name for name in imported_modules(ROOT / f"stages/{stage}.py") if name.startswith("stages.")}


def test_every_section_is_tracked_by_a_stage():
    tracked = {section.split(".")[0] for stage in STAGES.values() for section in stage["params"]}
    assert tracked == {section.section for section in SECTIONS}


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
    [output] = STAGES["export"]["outs"]
    assert output["models/export"]["cache"] is False
    ignored = subprocess.run(["git", "check-ignore", "-q", "models/export/model.safetensors"], cwd=ROOT, check=False)
    assert ignored.returncode == 0


def test_compiled_python_is_no_part_of_a_digest():
    # Python leaves it beside the code, unless it is told not to; a lock that counts it is another one on each machine.
    ignored = Repo(str(ROOT)).dvcignore
    assert ignored.is_ignored_file(str(ROOT / "codetune/__pycache__/files.cpython-311.pyc"))
    assert not ignored.is_ignored_file(str(ROOT / "codetune/files.py"))
