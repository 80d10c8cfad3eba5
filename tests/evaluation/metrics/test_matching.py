from collections.abc import Iterable

import torch

from codetune.evaluation.metrics.bertscore import NOTHING, Embedding, match, match_many
from codetune.evaluation.metrics.kept import ScoreCache
from codetune.evaluation.metrics.matching import Matcher
from codetune.numerics import products


def test_many_references_score_as_each_by_itself(minilm, instruction_rows):
    texts = [row["completion"] for row in instruction_rows[:6]]
    answer, *references = map(minilm.embed, [*texts, "x", " ", "x = 1\n" * 150])
    found = torch.tensor(match_many(answer, references))
    expected = torch.tensor([match(answer, reference) for reference in references])
    assert torch.allclose(found, expected, rtol=0, atol=1e-6)
    assert tuple(found[-2]) == NOTHING
    assert expected[:, 1].max() - expected[:, 1].min() > 0.1
    assert match_many(minilm.embed(" "), references) == [NOTHING] * len(references)


def test_many_references_have_the_same_bits_on_any_number_of_threads(minilm, instruction_rows, threads):
    answer, *references = [minilm.embed(row["completion"]) for row in instruction_rows[:8]]
    found = []
    for number in (1, 2, 3):
        threads(number)
        found.append(match_many(answer, references))
    assert found[0] == found[1] == found[2]


def test_each_pair_is_matched_once_and_found_again(minilm, tmp_path, monkeypatch):
    encoded: list[str] = []
    embed, embed_all = minilm.embed, minilm.embed_all

    def counted(texts: Iterable[str], label: str) -> dict[str, Embedding]:
        found = embed_all(texts, label)
        encoded.extend(found)
        return found

    monkeypatch.setattr(minilm, "embed_all", counted)
    pairs = [("x = 1", "x = 2"), ("x = 1", "x = 2"), ("", "x = 2")]
    with ScoreCache(tmp_path, "r") as kept:
        matcher = Matcher(minilm, kept)
        matcher.prepare(pairs, "test")
        first = [matcher.match(*pair) for pair in pairs]
    assert sorted(encoded) == ["", "x = 1", "x = 2"]
    assert first == [match(embed(answer), embed(reference)) for answer, reference in pairs]
    encoded.clear()
    with ScoreCache(tmp_path, "r") as kept:
        matcher = Matcher(minilm, kept)
        assert [matcher.match(*pair) for pair in pairs] == first
        # A new answer to the reference: that is read as it was, and gives the same bits.
        assert matcher.match("y", "x = 2") == match(embed("y"), embed("x = 2"))
    assert encoded == ["y"]


def test_texts_of_one_length_have_the_bits_that_each_has_by_itself(minilm, threads, monkeypatch):
    texts = [f"def f{a}({b}):\n    return {b} + {a}" for a in range(9) for b in "abc"]
    rows = []
    encode = minilm._encode
    monkeypatch.setattr(minilm, "_encode", lambda ids: rows.append(len(ids)) or encode(ids))
    for number in (1, 2, 3):
        threads(number)
        together = minilm.embed_all([*texts, " ", "x = 1\n" * 300], "texts")
        for text, found in together.items():
            alone = minilm.embed(text)
            assert torch.equal(found.vectors, alone.vectors)
            assert torch.equal(found.weights, alone.weights)
    assert max(rows) > 5
    assert together[" "].empty
    # Where numerics promise nothing, each is encoded by itself.
    monkeypatch.setattr(products, "installed", lambda: False)
    rows.clear()
    minilm.embed_all(texts, "texts")
    assert rows == [1] * len(texts)
