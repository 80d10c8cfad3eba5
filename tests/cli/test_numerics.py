"""Commands that fix the numerics do so before torch is imported. Tests that run a command in this process cannot tell."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_python

FIX = "numerics.fix"
COMMANDS = [path for path in sorted((ROOT / "codetune/cli").rglob("*.py")) if f"{FIX}(" in path.read_text()]


def imports_before_fix(path: Path) -> list[str]:
    """The imports of a module, and those of its command up to the call that fixes the numerics."""
    tree = ast.parse(path.read_text())
    [called] = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == FIX]
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [ast.unparse(node) for node in imports if node.lineno < called and "__future__" not in ast.unparse(node)]


def test_there_are_such_commands():
    assert {path.stem for path in COMMANDS} >= {"answer", "chat", "serve"}


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_nothing_imports_torch_before_the_numerics_are_fixed(path):
    lines = [*imports_before_fix(path), "import sys", "print('torch' in sys.modules)"]
    assert run_python("-c", "\n".join(lines)).stdout == "False\n"
