"""Scores of the text itself: chrF and BLEU by sacrebleu, with its signatures, edit similarity, and exact match."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from rapidfuzz.distance import Levenshtein
from sacrebleu.metrics import BLEU, CHRF

from codetune.evaluation.metrics.segmentation import DEFAULT, Tokenizer, bleu_tokenizer

_CHRF = CHRF()


@cache
def _corpus_bleu(tokenizer: Tokenizer) -> BLEU:
    return BLEU(tokenize=tokenizer, force=True)  # force: no warning about texts that end in " ."


@cache
def _sentence_bleu(tokenizer: Tokenizer) -> BLEU:
    # As sacrebleu advises for single sentences.
    return BLEU(tokenize=tokenizer, effective_order=True, force=True)


def corpus_scores(
    answers: Sequence[str], references: Sequence[str], tokenizer: Tokenizer | None = None
) -> dict[str, float]:
    """The chrF (Popović 2015) and BLEU (Papineni et al. 2002) of all answers together, 0 to 100.

    These are other quantities than the means of the scores of each answer: long answers weigh more.

    :param tokenizer: cuts texts into words for BLEU; None for the one that suits the references.
    """
    bleu = _corpus_bleu(tokenizer or bleu_tokenizer(references))
    return {
        "chrf": _CHRF.corpus_score(answers, [references]).score,
        "bleu": bleu.corpus_score(answers, [references]).score,
    }


@cache
def signatures(tokenizer: Tokenizer = DEFAULT) -> dict[str, str]:
    """What two scores must share to be compared, by metric, as sacrebleu says it for one reference to each answer.

    :param tokenizer: the one that BLEU is computed with.
    """
    found = {}
    for name, metric in (("chrf", _CHRF), ("bleu", _sentence_bleu(tokenizer))):
        metric.sentence_score("", [""])  # tells the metric how many references there are
        found[name] = f"{metric.get_signature()}|mean:prompts"
    for name, metric in (("corpus_chrf", _CHRF), ("corpus_bleu", _corpus_bleu(tokenizer))):
        metric.corpus_score([""], [[""]])
        found[name] = str(metric.get_signature())
    return found


def sentence_chrf(answer: str, reference: str) -> float:
    """The chrF of one answer, 0 to 100."""
    return float(_CHRF.sentence_score(answer, [reference]).score)


def sentence_bleu(answer: str, reference: str, tokenizer: Tokenizer = DEFAULT) -> float:
    """The BLEU of one answer, 0 to 100; n-grams longer than the answer are left out.

    :param tokenizer: cuts texts into words; the same for all answers that are compared.
    """
    return float(_sentence_bleu(tokenizer).sentence_score(answer, [reference]).score)


def edit_similarity(answer: str, reference: str) -> float:
    """1 less the edits per character of the longer text (Levenshtein): 1 for equal texts, 0 for nothing in common."""
    return Levenshtein.normalized_similarity(answer, reference)


def length_ratio(answer: str, reference: str) -> float:
    """The length of the shorter text by that of the longer, in characters: 1 for equal lengths, 0 beside nothing."""
    shorter, longer = sorted((len(answer), len(reference)))
    return shorter / longer if longer else 1.0


def exact_match(answer: str, reference: str) -> int:
    """1 when the texts are equal but for white space at the ends of lines and of the whole, else 0."""
    return int(_trimmed(answer) == _trimmed(reference))


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n")
