"""The table of mutations fits the code, and the runner tells what is noticed from what is not."""

import ast
import re
import subprocess

import pytest

from codetune.core.errors import UserError
from scripts import mutations as module
from scripts.mutations import ROOT, Mutation, read_mutations, try_all, try_mutation
from tests import tiers

MUTATIONS = read_mutations()


def folders(*names):
    return {f"codetune/{name}{path.name}/" for name in names for path in (ROOT / "codetune" / name).iterdir()
            if path.is_dir() and path.name != "__pycache__"}  # fmt: skip


def test_each_mutation_fits_its_file_and_is_code():
    assert len(MUTATIONS) >= 40
    for mutation in MUTATIONS:
        text = (ROOT / mutation.path).read_text(encoding="utf-8")
        changed = mutation.apply(text)
        assert changed != text, mutation.fault
        if mutation.path.endswith(".py"):
            ast.parse(changed)


def test_faults_are_told_apart():
    assert len({(mutation.path, mutation.fault) for mutation in MUTATIONS}) == len(MUTATIONS)


def test_every_part_of_the_project_is_broken():
    parts = folders("", "data/", "evaluation/") | {"stages/", "dvc.yaml", "params.yaml"}
    paths = [mutation.path for mutation in MUTATIONS]
    assert {part for part in parts if not any(path.startswith(part) for path in paths)} == set()


def test_the_named_tests_exist_and_take_no_minutes():
    for node in {test for mutation in MUTATIONS for test in mutation.tests}:
        file, *names = re.sub(r"\[.*", "", node).split("::")
        assert not file.removeprefix("tests/").startswith(tiers.LONG), node
        text = (ROOT / file).read_text(encoding="utf-8")
        for name in names:
            assert re.search(rf"\b(def|class) {name}\b", text), node


SOURCE = "def larger(a, b):\n    return a if a > b else b\n"
TESTS = "from code_under_test import larger\n\ndef test_it():\n    assert larger(1, 2) == larger(2, 1) == 2\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with one file of code and one of tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "code_under_test.py").write_text(SOURCE)
    (tmp_path / "test_code.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q\n")  # with -q twice, pytest does not count tests
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def change(fault, new):
    return Mutation(path="code_under_test.py", fault=fault, old="a > b", new=new, tests=["test_code.py::test_it"])


def test_what_is_noticed_is_caught_and_the_rest_survives(project):
    assert [try_mutation(project, change("x", new))[0] for new in ("a < b", "a >= b")] == ["caught", "survived"]
    assert (project / "code_under_test.py").read_text() == SOURCE


@pytest.mark.parametrize(
    ("status", "printed", "result"),
    [
        (1, "1 failed", "caught"), (0, "3 passed, 1 skipped", "survived"), (0, "4 skipped", "error"),
        (2, "error during collection", "error"), (4, "not found", "error"), (-1, "", "error"),
    ],
)  # fmt: skip
def test_only_failed_tests_are_a_proof(project, monkeypatch, capsys, status, printed, result):
    seen = []

    def run_tests(folder, *_):
        seen.append((folder / "code_under_test.py").read_text())
        return (status, printed) if len(seen) == 2 else (0, "")

    monkeypatch.setattr(module, "run_tests", run_tests)
    assert try_all(project, [change("smaller", "a < b")]) == {result: 1}
    assert capsys.readouterr().out == f"{result:<9} code_under_test.py:2: smaller\n"
    assert seen == [SOURCE, SOURCE.replace("a > b", "a < b")], "once without the mutation, once with it"


def test_tests_that_fail_without_a_mutation_prove_nothing(project, monkeypatch):
    monkeypatch.setattr(module, "run_tests", lambda *_: (1, "1 failed"))
    with pytest.raises(UserError, match="do not pass without a mutation"):
        try_all(project, [change("x", "a < b")])


def test_a_mutation_that_does_not_fit_is_named():
    with pytest.raises(UserError, match=r"code_under_test.py: found 'a > b' 2 times, expected once \(x\)"):
        change("x", "a < b").apply("a > b, a > b")


def test_the_command_lists_and_chooses(monkeypatch, capsys):
    module.main(["--list", "--only", "codetune/stats/pairs"])
    [place, *tests] = capsys.readouterr().out.strip().split("\n    ")
    assert place.startswith("codetune/stats/pairs.py:")
    assert all(test.startswith("tests/") for test in tests)
    with pytest.raises(UserError, match="no mutation has 'nowhere' in its path"):
        module.main(["--only", "nowhere"])
    monkeypatch.setattr(module, "try_all", lambda *_, **__: module.Counter(survived=1))
    with pytest.raises(SystemExit) as left:
        module.main(["--only", "codetune/stats/pairs"])
    assert left.value.code == 1
