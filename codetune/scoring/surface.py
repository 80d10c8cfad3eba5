"""Scores of the text itself: chrF and BLEU with sacrebleu's signatures, exact match, syntax."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Sequence

from sacrebleu.metrics import BLEU, CHRF


def exact_match(answer: str, reference: str) -> int:
    """1 when the texts are equal but for white space at the ends of lines and of the whole."""

    def lines(text: str) -> list[str]:
        return [line.rstrip() for line in text.strip().splitlines()]

    return int(lines(answer) == lines(reference))


def syntax_valid(answer: str) -> int:
    """1 when the answer holds code and parses as Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return int(bool(ast.parse(textwrap.dedent(answer)).body))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return 0


class Surface:
    """chrF and BLEU, per answer and over all answers, from 0 to 100."""

    def __init__(self) -> None:
        self._chrf = CHRF()
        self._bleu = BLEU()
        self._sentence_bleu = BLEU(effective_order=True)

    def sentence(self, answer: str, reference: str) -> dict[str, float]:
        """ChrF and BLEU of one answer."""
        return {
            "chrf": self._chrf.sentence_score(answer, [reference]).score,
            "bleu": self._sentence_bleu.sentence_score(answer, [reference]).score,
        }

    def corpus(self, answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        """ChrF and BLEU over all answers together; their signatures are known afterwards."""
        return {
            "chrf": self._chrf.corpus_score(answers, [references]).score,
            "bleu": self._bleu.corpus_score(answers, [references]).score,
        }

    def signatures(self) -> dict[str, str]:
        """Sacrebleu's signatures of the corpus scores."""
        return {"chrf": str(self._chrf.get_signature()), "bleu": str(self._bleu.get_signature())}
