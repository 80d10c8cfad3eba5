"""The command line as a person types it."""

import subprocess
import sys

import pytest

from codetune.cli.main import cli, main


def run(monkeypatch, *words):
    """The status with which a command line ends; 0 where it just returns."""
    monkeypatch.setattr("sys.argv", ["codetune", *words])
    try:
        main()
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_help_with_an_example(monkeypatch, capsys, name):
    assert run(monkeypatch, name, "--help") == 0
    told = capsys.readouterr().out
    assert f"Usage: codetune {name}" in told
    assert f"codetune {name}" in told.partition("Example")[2]


def test_all_commands_are_listed(monkeypatch, capsys):
    assert run(monkeypatch, "-h") == 0
    told = capsys.readouterr().out
    assert all(name in told for name in cli.commands)
    assert "dvc repro" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "No such command 'chek'"),
        (["why"], "Missing argument 'ROW'"),
        (["ingest"], "Add --dry-run"),
        (["problems"], "Add --renew"),
        (["compare", "HEAD", "workspace", "--json", "--csv"], "exclude each other"),
        (["execute", "a", "b", "--k", "0"], "0 is not in the range"),
    ],
)
def test_a_mistyped_line_says_what_is_wrong(monkeypatch, capsys, words, said):
    assert run(monkeypatch, *words) == 2
    assert said in capsys.readouterr().err


def test_the_shell_can_complete_a_command():
    code = "from codetune.cli.main import main; main()"
    environment = {"_CODETUNE_COMPLETE": "bash_complete", "COMP_WORDS": "codetune da", "COMP_CWORD": "1"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["plain,data-diff"]


def test_help_does_not_wait_for_torch():
    code = "import sys; import codetune.cli.main; print(sorted({'torch', 'pandas', 'git'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
