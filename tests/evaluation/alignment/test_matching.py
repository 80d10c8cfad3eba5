from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codetune.core.errors import UserError
from codetune.evaluation.alignment import serve
from codetune.evaluation.alignment.matching import Aligner
from codetune.evaluation.metrics.bertscore import BertEncoder, match
from codetune.evaluation.metrics.params import BertScoreParams
from codetune.models.encoders.locate import locate_encoder

REFERENCE, ANSWER = "def f(x):\n    return x", "  Def g(y): pass\n"


def _params(folder: Path) -> BertScoreParams:
    return BertScoreParams(model=str(folder), revision=None, layer=1, baseline_pairs=1)


@pytest.fixture(scope="module")
def aligner(tiny_bert: Path) -> Aligner:
    return Aligner(locate_encoder(_params(tiny_bert), "score.bertscore"), 1)


def test_the_scores_are_those_of_the_stage(aligner: Aligner, tiny_bert: Path) -> None:
    encoder = BertEncoder(locate_encoder(_params(tiny_bert), "score.bertscore"), 1)
    expected = match(encoder.embed(ANSWER), encoder.embed(REFERENCE))
    found = aligner.align(REFERENCE, ANSWER)
    assert (found.precision, found.recall, found.f1) == expected
    assert found.signature == encoder.signature


def test_precision_and_recall_are_the_means_of_the_matches(aligner: Aligner) -> None:
    found = aligner.align(REFERENCE, ANSWER)
    recall = [found.similarity[i][j] for i, j in found.matches()]
    precision = [found.similarity[i][j] for i, j in found.answer_matches()]
    assert sum(recall) / len(recall) == pytest.approx(found.recall, abs=1e-4)
    assert sum(precision) / len(precision) == pytest.approx(found.precision, abs=1e-4)


def test_tokens_are_written_as_in_the_text_and_special_ones_do_not_count(aligner: Aligner) -> None:
    found = aligner.align(REFERENCE, ANSWER)
    assert (found.reference[0], found.reference[-1]) == ("[CLS]", "[SEP]")
    assert "".join(found.reference[1:-1]) == "".join(REFERENCE.split())
    assert "".join(found.answer[1:-1]) == "".join(ANSWER.split())  # a capital stays one
    assert found.counted == [False, *[True] * (len(found.reference) - 2), False]
    assert len(found.similarity) == len(found.reference)
    assert {len(row) for row in found.similarity} == {len(found.answer)}


def test_equal_texts_match_token_by_token(aligner: Aligner) -> None:
    found = aligner.align("f(x)", "f(x)")
    assert found.f1 == pytest.approx(1.0)
    assert found.matches() == [(place, place) for place in range(1, 5)]
    assert found.answer_matches() == found.matches()


def test_what_is_longer_than_the_encoder_takes_is_aligned_to_its_end(aligner: Aligner) -> None:
    found = aligner.align("x " * 60 + "y", "y")
    assert (len(found.reference), len(found.answer)) == (63, 3)
    assert found.reference[-2] == "y"
    assert found.matches()[-1] == (61, 1)


def test_an_empty_answer_has_nothing_to_align(aligner: Aligner) -> None:
    with pytest.raises(UserError, match="an empty text cannot be aligned"):
        aligner.align("x", "  ")


class TestRequests:
    def ask(self, bertscore: Any) -> dict[str, Any]:
        return serve.respond(json.dumps({"bertscore": bertscore, "reference": "a b", "answer": "a"}))

    def test_a_request_names_its_encoder(self, tiny_bert: Path) -> None:
        found = self.ask(_params(tiny_bert).model_dump())
        assert found["reference"] == ["[CLS]", "a", "b", "[SEP]"]

    def test_an_encoder_that_is_not_here_is_told_with_what_to_do(self) -> None:
        found = self.ask(_params(Path("no/such/folder")).model_dump())
        assert "no/such/folder" in found["error"]
        assert found["remedy"]

    @pytest.mark.parametrize("bertscore", [{}, None, "minilm", {"model": 1}])
    def test_a_section_that_cannot_be_read_is_told(self, bertscore: Any) -> None:
        assert "score.bertscore" in self.ask(bertscore)["error"]

    def test_what_is_no_json_is_told(self) -> None:
        assert "error" in serve.respond("{")
