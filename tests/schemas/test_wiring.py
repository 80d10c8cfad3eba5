"""No stage reads or writes a table between stages past its schema."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAGES = sorted((ROOT / "stages").glob("[a-z]*.py"))
READERS = {"read_jsonl", "read_table", "numbered_lines", "ParquetFile"}
WRITERS = {"write_jsonl", "write_table"}
# What the base model wrote, for people: no stage reads it.
UNDECLARED = {"outputs.reports / 'functions.jsonl'"}


def calls(path):
    """The names of the functions that a file calls, with their arguments as text."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, [ast.unparse(argument) for argument in node.args]


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.stem)
def test_tables_are_checked_where_they_are_read_and_written(path):
    for name, arguments in calls(path):
        assert name not in READERS, arguments
        if name in WRITERS and arguments[0] not in UNDECLARED:
            assert "checked(" in arguments[1], arguments


def test_the_library_reads_tables_through_their_schemas():
    # What people kept is checked where it is taken in, as every table that comes from outside.
    own = {ROOT / "codetune" / name for name in ("core/files.py", "core/tables.py", "app/feedback.py")}
    for path in sorted((ROOT / "codetune").rglob("*.py")):
        if path not in own and path.parent.name not in {"schemas", "ingest"}:  # files of others
            assert not {name for name, _ in calls(path)} & {"read_jsonl", "numbered_lines", "ParquetFile"}, path
