"""Golden values: by hand, from the definitions in Papineni et al. 2002 and Popović 2015."""

import pytest

from codetune.evaluation.metrics.segmentation import bleu_tokenizer, print_tokenizer
from codetune.evaluation.metrics.surface import (
    corpus_scores,
    edit_similarity,
    exact_match,
    length_ratio,
    sentence_bleu,
    sentence_chrf,
    signatures,
)


@pytest.mark.parametrize(
    ("answer", "reference", "chrf", "bleu"),
    [
        ("a b c d e", "a b c d e", 100.0, 100.0),
        # Matches of 1 to 4 words: 4 of 5, 3 of 4, 2 of 3, 1 of 2: the fourth root of 1/5.
        # Characters "abcde" and "abcdf": 4 of 5, 3 of 4, 2 of 3, 1 of 2, 0 of 1: mean 163/300.
        ("a b c d e", "a b c d f", 100 * 163 / 300, 100 * 0.2**0.25),
        # Characters: 1 of 2, 0 of 1: mean 1/4. No word matches.
        ("ab", "ac", 25.0, 0.0),
        # Half of the words, all right: brevity penalty exp(1 - 4/2), over the orders that two words have.
        ("a b", "a b c d", None, 100 * 2.718281828459045**-1),
        ("", "a b", 0.0, 0.0),
    ],
)
def test_sentence_scores(answer, reference, chrf, bleu):
    assert sentence_bleu(answer, reference) == pytest.approx(bleu, abs=1e-9)
    if chrf is not None:
        assert sentence_chrf(answer, reference) == pytest.approx(chrf, abs=1e-9)


def test_corpus_scores_count_over_all_answers():
    found = corpus_scores(["a b c d e", "a b c d e"], ["a b c d e", "a b c d f"])
    # 9 of 10, 7 of 8, 5 of 6, 3 of 4 words; characters alike, and 1 of 2 of five.
    assert found["bleu"] == pytest.approx(100 * (9 / 10 * 7 / 8 * 5 / 6 * 3 / 4) ** 0.25, abs=1e-9)
    assert found["chrf"] == pytest.approx(100 * (9 / 10 + 7 / 8 + 5 / 6 + 3 / 4 + 1 / 2) / 5, abs=1e-9)


def test_signatures_are_sacrebleus():
    found = signatures()
    assert found["corpus_chrf"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")
    assert found["corpus_bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert found["chrf"] == f"{found['corpus_chrf']}|mean:prompts"
    assert found["bleu"] == f"{found['corpus_bleu']}|mean:prompts".replace("eff:no", "eff:yes")


# Scores by sacrebleu 2.6.0 on its own command line: `sacrebleu -tok zh`, and `-tok char`.
@pytest.mark.parametrize(
    ("answer", "reference", "tokenizer", "bleu"),
    [
        ("今天天气很好,我们去公园跑步,然后回家。", "今天天气很好,我们去公园散步,然后回家。", "zh", 85.79),
        ("今日はとても天気がいいので公園へ遊びに行きましょう", "今日はとても天気がいいので公園へ散歩に行きましょう", "char", 84.67),
        ("วันนี้อากาศดีมาก", "วันนี้อากาศดีมาก", "char", 100.0),
        ("a b c d e", "a b c d f", "13a", 100 * 0.2**0.25),
    ],
)  # fmt: skip
def test_texts_without_spaces_are_cut_by_their_script(monkeypatch, answer, reference, tokenizer, bleu):
    monkeypatch.setattr("codetune.evaluation.metrics.segmentation.has_mecab", lambda: False)
    assert bleu_tokenizer([reference]) == tokenizer
    assert corpus_scores([answer] * 20, [reference] * 20)["bleu"] == pytest.approx(bleu, abs=0.01)
    assert f"|tok:{tokenizer}|" in signatures(tokenizer)["corpus_bleu"]
    assert f"|tok:{tokenizer}|" in signatures(tokenizer)["bleu"]


@pytest.mark.parametrize(
    ("references", "tokenizer"),
    [
        (["def f(x):\n    # 今天天气很好\n    return total_of_values(x)"], "13a"),
        (["오늘은 날씨가 정말 좋습니다"], "13a"),
        (["Straße, naïve, Привет"], "13a"),
        (["公園へ行きましょう"], "ja-mecab"),
        (["公园", "today"], "13a"),
        ([""], "13a"),
        ([], "13a"),
    ],
)
def test_the_tokenizer_is_that_of_most_letters(monkeypatch, references, tokenizer):
    monkeypatch.setattr("codetune.evaluation.metrics.segmentation.has_mecab", lambda: True)
    assert bleu_tokenizer(references) == tokenizer


def test_what_is_unusual_is_told(capsys):
    for tokenizer in ("13a", "zh", "char"):
        print_tokenizer(tokenizer)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "tokenizer zh" in told[0]
    assert "sacrebleu[ja]" in told[1]


@pytest.mark.parametrize(
    ("answer", "reference", "match"),
    [
        ("def f():\n    pass", "def f():\n    pass", 1),
        ("def f():  \n    pass\t\n\n", "def f():\n    pass", 1),
        ("def f():\r\n    pass", "def f():\n    pass", 1),
        ("    pass", "pass", 0),
        ("def f():\n\n    pass", "def f():\n    pass", 0),
        ("x = 'a  b'", "x = 'a b'", 0),
        ("", "pass", 0),
    ],
)
def test_exact_match_looks_past_trailing_white_space_only(answer, reference, match):
    assert exact_match(answer, reference) == match


@pytest.mark.parametrize(
    ("answer", "reference", "similarity"),
    [
        ("abcd", "abcd", 1),
        ("abxd", "abcd", 0.75),
        ("", "abcd", 0),
        ("wxyz", "abcd", 0),
        ("ab", "abcd", 0.5),
        ("", "", 1),
    ],
)
def test_edit_similarity_counts_edits_by_the_longer_text(answer, reference, similarity):
    assert edit_similarity(answer, reference) == similarity


@pytest.mark.parametrize(
    ("answer", "reference", "ratio"),
    [("ab", "abcd", 0.5), ("abcd", "ab", 0.5), ("ab", "cd", 1), ("", "a", 0), ("", "", 1)],
)
def test_the_ratio_of_lengths_is_the_shorter_by_the_longer(answer, reference, ratio):
    assert length_ratio(answer, reference) == ratio
