"""The ledgers of revisions, from git and the DVC cache."""

import json
import shutil

import pytest

from codetune.core.errors import UserError
from codetune.ledger.difference import data_difference
from codetune.ledger.ledger import LEDGER_PATH
from tests.ledger.conftest import ROWS, commit_ledger, write_ledger
from tests.support.sample_project import git


def test_text_tells_counts_reasons_and_examples(versions):
    text, _ = data_difference(versions, "old", "new")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0].startswith("old (")
    assert lines[0].endswith("): 5 rows, 2 kept")
    assert lines[1].endswith("): 6 rows, 4 kept")
    assert lines[2] == "2 came, 1 went, 1 changed verdict, 1 moved to another split, 2 unchanged"
    assert lines[lines.index("changed verdict:") + 1] == "1 code_too_long → kept"
    assert lines[lines.index("went:") + 2] == "bbbb000000000003 lark/deep/core.py Forest.load"
    assert "bbbb0000000000ff lark/deep/core.py:10-20 Forest.load (a similarity of 0.84, threshold 0.7)" in lines
    assert lines[lines.index("moved to another split:") + 1] == "1 train → val"
    assert "1 of the rows that came have the path and name of a row that went: their code was changed." in lines
    assert lines[-1].startswith("The ledger of old (")


def test_json_says_the_same(versions):
    _, content = data_difference(versions, "old", "new")
    content = json.loads(json.dumps(content))
    assert content["before"] == {
        "revision": "old", "commit": git(versions, "rev-parse", "old"), "rows": 5, "kept": 2,
    }  # fmt: skip
    assert content["changed_verdict"][0]["before"] == "code_too_long"
    assert content["changed_verdict"][0]["examples"][0]["id"] == "aaaa000000000002"
    assert content["came"][0]["after"] == "keep"
    assert (content["rewritten"], content["unchanged"]) == (1, 2)


def test_workspace_is_what_lies_on_the_disk(versions):
    _, content = data_difference(versions, "new", "workspace")
    assert (content["unchanged"], content["came"], content["after"]["commit"]) == (6, [], None)
    write_ledger(versions / LEDGER_PATH, ROWS[:3])
    _, content = data_difference(versions, "main", "workspace")
    assert sum(change["rows"] for change in content["went"]) == 4


def test_an_experiment_is_a_revision(versions):
    parent = git(versions, "rev-parse", "HEAD")
    commit_ledger(versions, ROWS[:1], 3)
    git(versions, "update-ref", f"refs/exps/{parent[:2]}/{parent[2:]}/hasty-lark", "HEAD")
    git(versions, "reset", "-q", "--hard", parent)
    _, content = data_difference(versions, "new", "hasty-lark")
    assert (content["after"]["revision"], content["after"]["rows"]) == ("hasty-lark", 1)
    shutil.rmtree(versions / ".dvc/cache")
    with pytest.raises(UserError, match=r"`dvc exp apply hasty-lark` and then `dvc repro clean` makes it again"):
        data_difference(versions, "hasty-lark", "workspace")


@pytest.mark.parametrize(
    ("name", "option"), [("main", "--all-commits"), ("new", "--all-tags"), ("HEAD~1", "--all-commits")]
)
def test_what_the_cache_lacks_names_the_command(versions, name, option):
    git(versions, "tag", "-d", "old")
    shutil.rmtree(versions / ".dvc/cache")
    with pytest.raises(
        UserError, match=rf"is not in the DVC cache. `dvc fetch {option} {LEDGER_PATH}` .* `git checkout"
    ):
        data_difference(versions, name, "workspace")


@pytest.mark.parametrize(
    ("name", "message"),
    [("gone", "there is no revision 'gone'"), ("none", r"none \(\w{7}\) has no ledger: its dvc.lock lists none")],
)
def test_no_revision_and_no_ledger_are_said(versions, name, message):
    with pytest.raises(UserError, match=message):
        data_difference(versions, name, "new")


def test_a_missing_ledger_of_the_workspace_is_said(versions):
    (versions / LEDGER_PATH).unlink()
    with pytest.raises(UserError, match=r"data/clean/ledger.parquet does not exist"):
        data_difference(versions, "new", "workspace")
