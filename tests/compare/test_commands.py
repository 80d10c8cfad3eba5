from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from codetune.compare.commands import commands, overrides, run_line
from codetune.compare.figures import Figures
from codetune.history.listing import WORKSPACE, Kind, Revision

VALUES = (
    1, -2, 0.5, 1e-4, True, None, "all-linear", "*.q_proj", "a b", "it's", "x\\", "x\\'y", "true", "1e5", "", "a,b",
    "[x]", "{y: 1}", "é", "#", "=", "a:b", "../x.json", "/abs", "~", "\n", 'q"q', "$(rm -rf .)", "null", ["a", 1, None],
    [{"type": "table", "path": "../a b.json", "n": None}], [],
)  # fmt: skip


def experiment(name: str) -> Revision:
    return Revision(Kind.EXPERIMENT, name, "a" * 40, parent="b" * 40)


@pytest.mark.parametrize("value", VALUES)
def test_dvc_reads_back_what_was_meant(tmp_path: Path, value: Any) -> None:
    """Through DVC's own reading of `-S`, and the shell's of the line."""
    from dvc.utils.hydra import apply_overrides

    params = tmp_path / "params.yaml"
    params.write_text("s:\n  k: 0\n  gone: 1\n  same: 2\n")
    before = {"s.k": 0, "s.gone": 1, "s.same": 2}
    after = {"s.k": value, "s.same": 2, "s.new": value}
    words = shlex.split(run_line(before, after))
    assert words[:3] == ["dvc", "exp", "run"]
    options = [word for word in words[3:] if word != "-S"]
    assert options == overrides(before, after)
    apply_overrides(params, options)
    found = YAML(typ="safe", pure=True).load(params.read_text())["s"]
    assert found == {"k": value, "same": 2, "new": value}
    assert type(found["k"]) is type(value)


def test_an_experiment_can_be_repeated_applied_kept_and_removed() -> None:
    start, figures = Figures({"train.lora.rank": 8}), Figures({"train.lora.rank": 4})
    assert [command.line for command in commands(experiment("hasty-lark"), figures, start, "bbbbbbb")] == [
        "dvc exp run -S train.lora.rank=4",
        "dvc exp apply hasty-lark",
        "dvc exp branch hasty-lark hasty-lark-branch",
        "dvc exp remove hasty-lark",
    ]


@pytest.mark.parametrize("name", ["$(touch hacked)", "a;b", "-rf", "it's"])
def test_a_name_is_no_more_than_a_name(name: str) -> None:
    for command in commands(experiment(name), Figures(), Figures(), "b")[-3:]:
        words = shlex.split(command.line)
        assert name in words
        assert not name.startswith("-") or words[words.index(name) - 1] == "--"


def test_other_revisions_have_what_suits_them() -> None:
    figures = Figures({"k": 1})
    lines = [command.line for command in commands(Revision(Kind.COMMIT, "c", "c" * 40), figures, figures, "HEAD")]
    assert lines == ["dvc exp run", "git checkout ccccccc"]
    assert [command.line for command in commands(WORKSPACE, figures, Figures(), "HEAD")] == ["dvc exp run -S +k=1"]
