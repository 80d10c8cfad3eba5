"""The notebook docs/tour.ipynb runs as it stands; tests/test_papers.py checks the commands and links in it."""

import ast

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from tests.support.notebook import NOTEBOOK, cells, source
from tests.support.slice_project import make_project, run, user_environment


def test_its_code_is_python_and_its_outputs_are_cleared():
    import nbformat

    nbformat.validate(nbformat.read(NOTEBOOK, as_version=4))
    for cell in cells("code"):
        ast.parse(TransformerManager().transform_cell(source(cell)))
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.long
def test_it_runs_in_a_copy_of_the_project(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    project = tmp_path / "project"
    make_project(project)
    for name, value in user_environment().items():
        monkeypatch.setenv(name, value)
    for name in ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "PYTHONPATH", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    notebook = nbformat.read(project / "docs/tour.ipynb", as_version=4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(project / "docs")}}).execute()
    printed = ["".join(part.get("text", "") for part in cell.get("outputs", [])) for cell in notebook.cells]
    by_command = {cell["source"].partition("\n")[0]: text for cell, text in zip(notebook.cells, printed, strict=True)}
    assert "train.lora.rank" in by_command["!python -m codetune compare slice rank4"]
    assert "tokens/s" in "".join(printed)
    assert "model.safetensors" in by_command["!ls models/export"]
    # A command that fails stops no notebook, but each of them says so in one line.
    failed = [line for text in printed for line in text.splitlines() if line.startswith(("error:", "ERROR:"))]
    assert failed == []
    assert {"slice", "rank4"} <= set(run(project, "dvc", "exp", "list", "--name-only").stdout.split())
