"""Metrics of the text itself: chrF and BLEU from sacrebleu with its signatures, edit similarity, and exact match."""

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
    # sacrebleu recommends `effective_order` for single sentences.
    return BLEU(tokenize=tokenizer, effective_order=True, force=True)


def corpus_scores(
    answers: Sequence[str], references: Sequence[str], tokenizer: Tokenizer | None = None
) -> dict[str, float]:
    """Compute the chrF (Popović 2015) and BLEU (Papineni et al. 2002) of all answers together, 0 to 100.

    They differ from the means of the scores of single answers, because long answers have more weight.

    :param answers: the answers.
    :param references: the reference of each answer.
    :param tokenizer: splits texts into words for BLEU; None chooses the one that suits the references.
    :returns: `chrf` and `bleu`.
    """
    bleu = _corpus_bleu(tokenizer or bleu_tokenizer(references))
    return {
        "chrf": _CHRF.corpus_score(answers, [references]).score,
        "bleu": bleu.corpus_score(answers, [references]).score,
    }


@cache
def signatures(tokenizer: Tokenizer = DEFAULT) -> dict[str, str]:
    """Return the signatures of sacrebleu for one reference per answer; equal signatures mean comparable scores.

    :param tokenizer: the tokenizer of BLEU.
    :returns: the signatures by metric.
    """
    found = {}
    for name, metric in (("chrf", _CHRF), ("bleu", _sentence_bleu(tokenizer))):
        metric.sentence_score("", [""])  # the metric counts the references here
        found[name] = f"{metric.get_signature()}|mean:prompts"
    for name, metric in (("corpus_chrf", _CHRF), ("corpus_bleu", _corpus_bleu(tokenizer))):
        metric.corpus_score([""], [[""]])
        found[name] = str(metric.get_signature())
    return found


def sentence_chrf(answer: str, reference: str) -> float:
    """Return the chrF of one answer, 0 to 100."""
    return float(_CHRF.sentence_score(answer, [reference]).score)


def sentence_bleu(answer: str, reference: str, tokenizer: Tokenizer = DEFAULT) -> float:
    """Return the BLEU of one answer, 0 to 100; n-grams longer than the answer are left out.

    :param answer: the text of the answer.
    :param reference: the text of the reference.
    :param tokenizer: splits texts into words; it must be the same for all answers that are compared.
    """
    return float(_sentence_bleu(tokenizer).sentence_score(answer, [reference]).score)


def edit_similarity(answer: str, reference: str) -> float:
    """Return 1 minus the Levenshtein distance divided by the length of the longer text; 1 for equal texts."""
    return Levenshtein.normalized_similarity(answer, reference)


def length_ratio(answer: str, reference: str) -> float:
    """Return the length of the shorter text divided by that of the longer, in characters; 1 if both are empty."""
    shorter, longer = sorted((len(answer), len(reference)))
    return shorter / longer if longer else 1.0


def exact_match(answer: str, reference: str) -> int:
    """Return 1 if the texts are equal apart from white space at the ends of lines and newlines at the end, else 0."""
    return int(_trimmed(answer) == _trimmed(reference))


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n")
