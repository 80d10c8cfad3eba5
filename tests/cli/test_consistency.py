"""`codetune check` refuses what a stage would fail on hours later, and says all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from codetune.cli.sections import check_params
from codetune.core.errors import UserError
from tests.conftest import ROOT

SHA = "0" * 40


def params(**changes: Any) -> dict[str, Any]:
    """The project's params.yaml with other values, by key: `train.seed` is written `train__seed`."""
    content: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for name, value in changes.items():
        *sections, key = name.split("__")
        place = content
        for section in sections:
            place = place[section]
        place[key] = value
    return content


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Check such a params.yaml in a folder that holds what the project's own names."""
    for name in ("data/packages.txt", "data/held_out_packages.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params(**changes), stream)
    monkeypatch.chdir(folder)
    check_params()


def table(path: str, name: str = "mine") -> dict[str, str]:
    return {"type": "table", "name": name, "path": path}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"train__seed": 2**64}, "train.seed: found an integer of 65 bits, expected at most 63"),
        ({"clean__seed": 2**63}, "clean.seed: found an integer of 64 bits"),
        ({"generate__seed": 10**4000}, "generate.seed: found an integer of 13288 bits"),
        ({"train__lora__alpha": float("inf")}, "train.lora.alpha: found inf (float), expected: a finite number"),
        ({"train__lora__layers_to_transform": [-1]}, "params.yaml: 1 problem: train.lora.layers_to_transform.0: found -1"),
        ({"train__lora__layers_to_transform": "half"}, "layers_to_transform: found 'half' (str), expected: 'upper-half', or a"),
        ({"train__lora__layers_to_transform": []}, "1 problem: train.lora.layers_to_transform: found [] (list), expected: List"),
        ({"generate__batch_size": 0}, "1 problem: generate.batch_size: found 0 (int), expected: greater than or equal to 1"),
        ({"clean__min_tokens": 300}, "clean: min_tokens 300 is above max_tokens 256"),
        ({"clean__min_code_lines": 61, "clean__min_docstring_words": 99},
         "clean: min_code_lines 61 is above max_code_lines 60 and min_docstring_words 99 is above max_docstring_words 60"),
        ({"ingest__sources": [table("a.csv"), table("b.csv")]}, "two sources are named 'mine'"),
        ({"ingest__sources": [table("none.csv")]}, "ingest.sources, mine: none.csv does not exist"),
        ({"ingest__sources": [table("data")]}, "ingest.sources, mine: data is not a file"),
        ({"ingest__sources": [{"type": "folder", "name": "code", "path": "params.yaml"}]}, "params.yaml is not a folder"),
        ({"ingest__sources": [{"type": "packages", "name": "p", "file": "pins.txt"}]}, "p: pins.txt does not exist"),
        ({"ingest__sources": [{"type": "hub", "name": "h", "path": "a/b"}]}, "no folder a/b, and a hub id needs"),
        ({"ingest__sources": [{"type": "hub", "name": "h", "path": "a b"}]}, "h: path: a b does not exist here and is not"),
        ({"train__weights": {"pakages": 2}}, "train.weights: there is no source 'pakages' (ingest.sources has packages"),
        ({"benchmarks__sets": ["humaneval", "mine.jsonl"]}, "benchmarks.sets: mine.jsonl is not a file"),
        ({"benchmarks__sets": ["humaneval", "humaneval"]}, "benchmarks.sets: 2 sets have the same name, humaneval"),
        ({"clean__benchmarks": ["mine.jsonl"]}, "clean.benchmarks: mine.jsonl is not a file"),
        ({"model__base": "smolm2"}, "model.base: smolm2 does not exist here"),
        ({"model__base": "owner/name"}, "model.base: there is no folder owner/name, and a hub id needs a commit"),
        ({"score__bertscore__layer": 7}, "score.bertscore.layer: found 7, expected at most 6, the layers of minilm"),
        ({"score__bertscore__model": "minilmm"}, "score.bertscore.model: minilmm does not exist"),
        ({"examine__similarity__max_tokens": 600}, "examine.similarity.max_tokens: found 600, expected at most 512"),
        ({"augment__meaning__encoder": {"model": "x", "revision": None}}, "augment.meaning.encoder.model: x does not exist"),
        ({"augment__method": "model", "augment__chat__model": "gone.gguf"}, "augment.chat.model: gone.gguf does not exist"),
    ],
)  # fmt: skip
def test_what_would_fail_later_is_refused(tmp_path, monkeypatch, changes, told):
    with pytest.raises(UserError) as caught:
        check(tmp_path, monkeypatch, **changes)
    assert told in str(caught.value)
    assert "params.yaml: 1 problem" in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train__seed": 2**63 - 1},
        {"clean__min_tokens": 256},
        {"model__base": "owner/name", "model__revision": SHA},
        {"ingest__sources": [{"type": "hub", "name": "h", "path": "a/b", "revision": SHA}, {"type": "stdlib", "name": "s"}]},
        {"ingest__sources": [table("params.yaml")]},
        {"augment__chat__model": "gone.gguf"},  # which the method does not use
        {"score__bertscore__model": "owner/name", "score__bertscore__revision": SHA},
    ],
)  # fmt: skip
def test_what_may_work_passes(tmp_path, monkeypatch, changes):
    check(tmp_path, monkeypatch, **changes)


def test_all_of_it_is_told_at_once(tmp_path, monkeypatch):
    with pytest.raises(
        UserError, match=r"params.yaml: 4 problems: clean: min_.*train.epochs.*none.csv.*benchmarks.sets: x.jsonl"
    ):
        check(
            tmp_path, monkeypatch, train__epochs=0, clean__min_tokens=300, ingest__sources=[table("none.csv")],
            benchmarks__sets=["x.jsonl"],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"train__max_tokens": 513}, "train.max_tokens: found 513, expected at most 512, the context of"),
        ({"generate__max_new_tokens": 512}, "generate.max_new_tokens: found 512, expected less than 512"),
        ({"answer_validity__max_new_tokens": 512}, "answer_validity.max_new_tokens: found 512"),
    ],
)
def test_tokens_beyond_the_context_of_the_model_are_refused(tmp_path, monkeypatch, tiny_base, changes, told):
    check(tmp_path, monkeypatch, model__base=str(tiny_base))
    with pytest.raises(UserError) as caught:
        check(tmp_path, monkeypatch, model__base=str(tiny_base), **changes)
    assert told in str(caught.value)
