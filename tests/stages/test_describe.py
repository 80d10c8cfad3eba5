"""The describe stage whole, on the files of a small project."""

import re

import pytest

from codetune.core.errors import UserError
from codetune.core.files import read_json, read_jsonl, write_json, write_jsonl
from stages import describe
from tests.ledger.conftest import write_data
from tests.support.tables import instruction_row

COUNTS = {"kept": 3}
LEAKS = {"train_rows": 1234, "near_duplicate": 0.7, "test": {"rows": 55, "exact_code": 3, "near": 0, "leaks": [{}] * 3}}
AUGMENTATION = {
    "paraphrases": 41, "rejected": {"malformed": 4},
    "meaning": {"labelled": {"good": 3, "bad": 1, "false_rejects": 0.25, "false_accepts": 1.0}},
    "examples": [{"id": "1", "original": "Write `a`.", "paraphrase": "Create `a`."}],
}  # fmt: skip

SIMILARITIES = {"good": [0.99, 0.9], "bad": [["negation", 0.5]], "threshold": 0.92, "paraphrases": [0.95, 1.0]}


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path)
    write_json(tmp_path / "data/clean/counts.json", COUNTS)
    write_json(tmp_path / "reports/leaks.json", LEAKS)
    write_json(tmp_path / "reports/augmentation.json", AUGMENTATION)
    write_json(tmp_path / "data/augmented/similarities.json", SIMILARITIES)
    for split, identity in (("train", "aaaa000000000001"), ("val", "dddd000000000006"), ("test", "dddd000000000005")):
        other = instruction_row("f" * 16, instruction=f"Say {identity}.")
        rows = [other, instruction_row(identity, instruction="Do <b>it</b>.", completion=f"```\n{split} = 1")]
        write_jsonl(tmp_path / f"data/clean/{split}.jsonl", rows)
    return tmp_path


def cells(card: str, first: str) -> list[str]:
    row = next(line for line in card.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_numbers_are_those_of_the_files(project):
    card = describe.run(describe.Inputs(), describe.Outputs())
    assert "**6** raw rows from **3** sources; **3** (50.0%) are kept: **1** train, **1** val, **1** test." in card
    assert "**41** paraphrases" in card
    assert cells(card, "`code_too_long`")[2:] == ["60 lines of code", "1", "16.7%", "4"]
    assert cells(card, "train")[1:] == ["1", "1", "33.3%", "8 / 8 / 8", "40 / 40 / 40", "12 / 12 / 12"]
    assert cells(card, "MIT")[1:] == ["3", "6", "3"]
    assert cells(card, "lark")[1:] == ["MIT", "train", "4", "1", "25.0%"]
    assert cells(card, "near-duplicate code")[1:] == ["0.84 / 0.84 / 0.84", "1"]
    assert "Groups with kept rows in more than one split: 0." in card
    assert "found in 1,234 train rows" in card
    assert "| test | 55 | 3 | 0 |" in card
    assert "malformed 4" in card
    assert "Create `a`." in card


def test_figures_are_the_counts_and_the_leaks_without_their_rows(project):
    describe.run(describe.Inputs(), describe.Outputs())
    figures = {"train_rows": 1234, "near_duplicate": 0.7, "test": {"rows": 55, "exact_code": 3, "near": 0}}
    assert read_json(project / "reports/data.json") == {**COUNTS, "leaks": figures}


def test_examples_stay_as_written(project):
    card = describe.run(describe.Inputs(), describe.Outputs())
    assert "```text\nDo <b>it</b>.\n```" in card
    assert "````python\n```\nval = 1\n````" in card


def test_pictures_are_linked_and_say_the_numbers(project):
    card = describe.run(describe.Inputs(), describe.Outputs())
    links = re.findall(r"\]\((.+?\.svg)\)", card)
    assert links == ["data_plots/funnel.svg", "data_plots/lengths.svg", "augmentation_plots/meaning.svg"]
    texts = ["\n".join(re.findall(r">([^<>]+)</text>", (project / "reports" / link).read_text())) for link in links]
    for words in ("raw rows", "code_too_long", "−1", "near_duplicate", "kept", "50.0% are kept"):
        assert words in texts[0]
    assert "train (median 40)" in texts[1]
    assert "paraphrases of this run (2)" in texts[2]
    assert "below 0.92 a paraphrase is rejected" in texts[2]


def test_a_row_that_its_split_lacks_is_named(project):
    path = project / "data/clean/val.jsonl"
    write_jsonl(path, read_jsonl(path)[:1])
    with pytest.raises(
        UserError, match=r"val.jsonl does not have row dddd000000000006, which the ledger lists. Run `dvc repro clean`"
    ):
        describe.run(describe.Inputs(), describe.Outputs())
