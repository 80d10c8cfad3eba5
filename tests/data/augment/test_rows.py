"""Which rows get paraphrases, what these inherit, and that neither order nor workers matter."""

import json
import random
import re
import sys

import pytest

from codetune.core.workers import map_in_processes
from codetune.data.augment import rows as module
from codetune.data.augment.paraphrase import Paraphrase, Paraphraser
from codetune.data.augment.report import augmentation_report
from codetune.data.augment.rows import is_chosen, paraphrase_id, paraphrases_of
from tests.data.augment.conftest import all_alike, make_params

params = make_params


def augment(rows, given, **options):
    return module.augment(rows, given, all_alike, **options)


def test_paraphrases_inherit_everything_else(instruction_rows):
    result = augment(instruction_rows, params())
    parents = {row["id"]: row for row in instruction_rows}
    assert result.rows[: len(instruction_rows)] == instruction_rows
    assert len(result.paraphrases) >= 20
    for row in result.paraphrases:
        parent = parents[row["parent"]]
        assert list(row) == list(parent)
        assert {key: row[key] for key in row if key not in ("id", "parent", "instruction")} == {
            key: parent[key] for key in parent if key not in ("id", "parent", "instruction")
        }
        assert row["instruction"] != parent["instruction"]
        assert row["id"] == paraphrase_id(parent["id"], row["instruction"])
        assert re.fullmatch(r"[0-9a-f]{16}", row["id"])
    assert len({row["id"] for row in result.rows}) == len(result.rows)


def test_id_of_a_paraphrase():
    """Computed with sha256sum: printf 'ab\\x1fSay it.' | sha256sum."""
    assert paraphrase_id("ab", "Say it.") == "95f7f30c3b222c20"


def test_workers_change_nothing(instruction_rows, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_ROWS", 5)
    alone = augment(instruction_rows, params(workers=1))
    together = augment(instruction_rows, params(workers=2))
    assert [json.dumps(row) for row in alone.rows] == [json.dumps(row) for row in together.rows]
    assert (alone.rejected, alone.changes) == (together.rejected, together.changes)


def test_chunks_and_order_of_rows_change_no_paraphrase(instruction_rows, monkeypatch):
    first = {row["parent"]: row["instruction"] for row in augment(instruction_rows, params()).paraphrases}
    monkeypatch.setattr(module, "_CHUNK_ROWS", 1)
    second = {row["parent"]: row["instruction"] for row in augment(instruction_rows[::-1], params()).paraphrases}
    assert first == second


def test_seed_decides(instruction_rows):
    def texts(seed):
        return [row["instruction"] for row in augment(instruction_rows, params(seed=seed)).paraphrases]

    assert texts(7) == texts(7)
    assert texts(7) != texts(8)


def test_global_generator_is_left_as_it_was(instruction_rows):
    random.seed(3)
    before = random.getstate()
    augment(instruction_rows[:2], params())
    assert random.getstate() == before


def test_each_row_has_draws_of_its_own(paraphraser, instruction_rows):
    text = instruction_rows[0]["instruction"]
    drawn = [paraphrases_of((str(number), text), paraphraser, params()).kept[0].text for number in range(20)]
    assert len(set(drawn)) > 10


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.3, 520, 680), (1.0, 2000, 2000)])
def test_share_of_rows(share, low, high):
    chosen = [is_chosen(f"{number:016x}", params(share=share)) for number in range(2000)]
    assert low <= sum(chosen) <= high


def test_several_paraphrases_of_a_row_differ(instruction_rows):
    result = augment(instruction_rows, params(per_row=4))
    texts = [row["instruction"] for row in result.rows]
    assert len(set(texts)) == len(texts)
    assert len(result.paraphrases) > 3 * len(instruction_rows)


class Scripted(Paraphraser):
    """Gives the paraphrases it was told, in order."""

    def __init__(self, *drawn):
        self.drawn = list(drawn)

    def draw(self, text):  # noqa: ARG002
        return self.drawn.pop(0)


def some(text, changes=2):
    return Paraphrase(text, (("a", "b"),) * changes)


@pytest.mark.parametrize(
    ("drawn", "kept", "rejected"),
    [
        ([some("Give back `x`.")], ["Give back `x`."], {}),
        ([Paraphrase("Return `x`.", ())], [], {"nothing_to_change": 1}),
        ([some("Give back `x`.", 1), some("Hand back `x`.")], ["Hand back `x`."], {"too_few_changes": 1}),
        ([some("Return `x`."), some("Give `x`.")], ["Give `x`."], {"unchanged": 1}),
        ([some("Give `y`."), some("Give `z`."), some("Give `x`.")], [], {"protected_changed": 2}),
        ([Paraphrase("Return `x`.", (), unchanged="too_long")], [], {"too_long": 1}),
    ],
)
def test_every_rejected_draw_is_counted(drawn, kept, rejected):
    outcome = paraphrases_of(("id", "Return `x`."), Scripted(*drawn), params(max_attempts=2))
    assert [paraphrase.text for paraphrase in outcome.kept] == kept
    assert outcome.rejected == rejected


def test_sibling_is_not_repeated():
    drawn = [some("Give `x`."), some("Give `x`."), some("Hand back `x`.")]
    outcome = paraphrases_of(("id", "Return `x`."), Scripted(*drawn), params(per_row=2))
    assert [paraphrase.text for paraphrase in outcome.kept] == ["Give `x`.", "Hand back `x`."]
    assert outcome.rejected == {"same_as_sibling": 1}


def test_instruction_of_another_row_is_not_repeated(monkeypatch):
    """The first paraphrase repeats the last row, the third paraphrase the second."""
    drawn = Scripted(some("Give `x`."), some("Hand `x`."), some("Hand `x`."))
    monkeypatch.setattr(module, "_paraphraser", lambda *_: drawn)
    texts = ["Return `x`.", "Send `x`.", "Give `x`."]
    rows = [{"id": str(number), "parent": None, "instruction": text} for number, text in enumerate(texts)]
    result = augment(rows, params())
    assert [(row["parent"], row["instruction"]) for row in result.paraphrases] == [("1", "Hand `x`.")]
    assert result.rejected == {"duplicate_instruction": 2}


def test_changed_meaning_is_counted(instruction_rows):
    """Every second draft is found to be 0.0001 below the threshold."""

    def compare(pairs):
        return [0.92 if number % 2 else 0.9199 for number in range(len(pairs))]

    drafts = len(augment(instruction_rows, params()).paraphrases)
    result = module.augment(instruction_rows, params(), compare)
    assert len(result.paraphrases) == drafts // 2
    assert result.rejected["meaning_changed"] == drafts - drafts // 2
    assert len(result.similarities) == drafts


def test_similar_words_are_counted(instruction_rows):
    result = augment(instruction_rows, params(max_shared_words=0.3))
    assert result.rejected["too_similar"] > len(instruction_rows)
    assert len(result.paraphrases) < len(instruction_rows)


def _modules_after_work(chunk):
    module._outcomes_of_chunk(chunk, params(), module.TABLE_FILE)
    return [name for name in ("nlpaug", "torch", "transformers") if name in sys.modules]


def test_worker_processes_do_without_torch():
    chunks = [[("1", "Return the list.")], [("2", "Return the rows.")]]
    assert list(map_in_processes(_modules_after_work, chunks, 2, 2)) == [["nlpaug"], ["nlpaug"]]


def test_report_adds_up(instruction_rows, table):
    given = params(share=0.7)
    result = augment(instruction_rows, given)
    report = augmentation_report(result, table, given)
    assert report["rows_in"] == 24
    assert 0 < report["rows_chosen"] < 24
    assert report["paraphrases"] == report["rows_chosen"] - report["rows_without_paraphrase"]
    assert report["rows_out"] == 24 + report["paraphrases"] == len(result.rows)
    counts = {int(count): often for count, often in report["changes"]["paraphrases_by_changes"].items()}
    assert sum(counts.values()) == report["paraphrases"]
    mean = sum(count * often for count, often in counts.items()) / report["paraphrases"]
    assert report["changes"]["mean"] == pytest.approx(mean, abs=1e-4)
    texts = {row["id"]: row["instruction"] for row in result.rows}
    assert len(report["examples"]) == 5
    assert all(texts[example["id"]] == example["paraphrase"] for example in report["examples"])
    assert report["method"] == "phrases"
    assert report["similarity"] == dict.fromkeys(("0.0", "0.01", "0.05", "0.25", "0.5", "0.75", "1.0"), 1.0)
    assert report["table"]["groups"] >= 150
    assert report["most_used"][0]["count"] >= report["most_used"][-1]["count"]


def test_report_of_nothing(instruction_rows, table):
    report = augmentation_report(augment(instruction_rows, params(share=0.0)), table, params(share=0.0))
    assert (report["rows_chosen"], report["paraphrases"], report["changes"]["mean"]) == (0, 0, 0.0)
