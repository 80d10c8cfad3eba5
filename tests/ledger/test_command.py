"""`codetune why` and `data-diff`, as typed."""

import json

import pytest

from codetune.__main__ import main


@pytest.fixture
def command(monkeypatch, capsys):
    def run(folder, *arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.argv", ["codetune", *arguments])
        main()
        return capsys.readouterr().out

    return run


def test_why_tells_a_life(project, command):
    assert command(project, "why", "lark/core.py:15").startswith("row             aaaa000000000001  Tree.load\n")


def test_a_mistake_is_one_line(project, command, capsys):
    with pytest.raises(SystemExit) as left:
        command(project, "why", "Tree.lod")
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: no row of data/clean/ledger.parquet matches 'Tree.lod'. Nearest: Tree.load")


def test_data_diff_as_text_and_as_json(versions, command):
    assert "1 changed verdict" in command(versions, "data-diff", "old", "new")
    content = json.loads(command(versions, "data-diff", "old", "new", "--json"))
    assert content["changed_verdict"][0]["rows"] == 1
