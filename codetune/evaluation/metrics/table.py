"""Scores of each prompt, and what they come to: the content of scores.jsonl, metrics.json and scoring.json."""

from __future__ import annotations

import math
from collections.abc import Iterable

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.baseline import Baseline
from codetune.evaluation.metrics.bertscore import NOTHING, BertEncoder, Scores
from codetune.evaluation.metrics.code_bertscore import f3, normalized
from codetune.evaluation.metrics.code_bertscore import signature as program_signature
from codetune.evaluation.metrics.matching import Matcher, Pair
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import VARIANTS, Samples
from codetune.evaluation.metrics.segmentation import DEFAULT, Tokenizer, bleu_tokenizer
from codetune.evaluation.metrics.statistics import DIGITS, gains
from codetune.evaluation.metrics.structure import structure_scores
from codetune.evaluation.metrics.surface import (
    CorpusScores,
    corpus_scores,
    edit_similarity,
    exact_match,
    length_ratio,
    sentence_scores,
)
from codetune.evaluation.metrics.syntax import syntax_valid

_PARTS = Scores._fields
_SHARES = (
    "code_bertscore", "edit_similarity", "tree_similarity", "length_ratio", "tree_match", "signature_kept",
    "names_bound", "exact_match", "syntax_valid", "expected_form", "stopped",
)  # fmt: skip
# Of the raw parts only F1 is kept for each prompt: the others follow from the baseline in scoring.json.
_KEPT = (*(f"bertscore_{part}" for part in _PARTS), "bertscore_f1_raw", "chrf", "bleu", *_SHARES)
# The gains that metrics.json reports, and the score of each prompt that they are the mean difference of.
_SAME_NAME = (
    "code_bertscore",
    "chrf",
    "bleu",
    "edit_similarity",
    "tree_similarity",
    "signature_kept",
    "names_bound",
    "syntax_valid",
    "expected_form",
)
GAINS = {"f1": "bertscore_f1", **{key: key for key in _SAME_NAME}}


def match_samples(*samples: Samples, matcher: Matcher) -> None:
    """Match all answers with their references, and the programs that they are."""
    rows = [row for each in samples for rows in each.values() for row in rows]
    match_pairs([(row["answer"], row["reference"]) for row in rows], matcher, "answers")


def match_pairs(pairs: Iterable[Pair], matcher: Matcher, label: str) -> None:
    """Match what `score_answer` needs for pairs of answer and reference, each distinct pair once, with progress."""
    wanted = []
    for answer, reference in pairs:
        wanted.append((answer, reference))
        asked, expected = normalized(answer), normalized(reference)
        if asked is not None and expected is not None:
            wanted.append((asked, expected))
    matcher.prepare(wanted, label)


def score_prompts(
    samples: Samples, matcher: Matcher, baseline: Baseline, tokenizer: Tokenizer = DEFAULT
) -> list[JsonObject]:
    """One row per prompt with `id`, `group` and all scores of each variant, rounded.

    :param samples: as `scored_samples` gives them.
    :param tokenizer: of BLEU.
    """
    rows = [{"id": sample["id"], "group": sample["group"]} for sample in samples[VARIANTS[0]]]
    for variant in VARIANTS:
        for row, sample in zip(rows, samples[variant], strict=True):
            row[variant] = score_answer(sample, matcher, baseline, tokenizer) | {
                "expected_form": sample["expected_form"]
            }
    return rows


def tokenizer_of(samples: Samples) -> Tokenizer:
    """The tokenizer of BLEU that suits the references, whatever the answers are."""
    return bleu_tokenizer(row["reference"] for row in samples[VARIANTS[0]])


def score_answer(
    sample: JsonObject, matcher: Matcher, baseline: Baseline, tokenizer: Tokenizer = DEFAULT
) -> dict[str, float]:
    """All scores of one answer. BERTScore of an empty one is 0, raw and rescaled, as in the library."""
    answer, reference = sample["answer"], sample["reference"]
    raw = matcher.match(answer, reference)
    empty = any(matcher.encoder.extent(text).empty for text in (answer, reference))
    rescaled = NOTHING if empty else baseline.rescale(raw)
    scores: dict[str, float] = {
        **{f"bertscore_{part}": value for part, value in rescaled._asdict().items()},
        **{f"bertscore_{part}_raw": value for part, value in raw._asdict().items()},
        **sentence_scores(answer, reference, tokenizer),
    }
    scores["code_bertscore"] = _code_bertscore(answer, reference, matcher, baseline)
    structure = structure_scores(answer, reference)._asdict()
    scores["edit_similarity"] = edit_similarity(answer, reference)
    scores["length_ratio"] = length_ratio(answer, reference)
    scores["tree_similarity"] = structure.pop("tree_similarity")
    return {
        **{key: round(value, DIGITS) for key, value in scores.items()},
        **structure,
        "exact_match": exact_match(answer, reference),
        "syntax_valid": syntax_valid(answer),
        "stopped": int(sample["stopped"]),
    }


def _code_bertscore(answer: str, reference: str, matcher: Matcher, baseline: Baseline) -> float:
    """The F3 of the programs that answer and reference are, rescaled; that of a raw 0 when either is none."""
    asked, wanted = normalized(answer), normalized(reference)
    if asked is None or wanted is None:
        return baseline.rescale_program(0.0)
    return baseline.rescale_program(max(0.0, f3(matcher.match(asked, wanted))))


def kept_scores(rows: list[JsonObject]) -> list[JsonObject]:
    """The rows of `score_prompts` as they stand in scores.jsonl."""
    return [
        {"id": row["id"], "group": row["group"]} | {name: {key: row[name][key] for key in _KEPT} for name in VARIANTS}
        for row in rows
    ]


def metrics(rows: list[JsonObject], corpus: dict[str, CorpusScores], params: ScoreParams) -> JsonObject:
    """The content of metrics.json: means and corpus scores of each variant, and the gains of tuned over base.

    A gain is the difference of the two means that have its name; corpus scores have none.

    :param rows: what `score_prompts` gave.
    :param corpus: chrF and BLEU over all answers, by variant.
    """
    return {
        **{variant: _summary([row[variant] for row in rows], corpus[variant]) for variant in VARIANTS},
        "gain": dict(zip(GAINS, gains(rows, list(GAINS.values()), params), strict=True)),
        "prompts": len(rows),
    }


def corpus_of(samples: Samples, tokenizer: Tokenizer = DEFAULT) -> dict[str, CorpusScores]:
    """The scores of all answers as one text, by variant.

    :param tokenizer: of BLEU.
    """
    references = [row["reference"] for row in samples[VARIANTS[0]]]
    answers = {name: [row["answer"] for row in samples[name]] for name in VARIANTS}
    return {name: corpus_scores(answers[name], references, tokenizer) for name in VARIANTS}


def _summary(scores: list[dict[str, float]], corpus: CorpusScores) -> JsonObject:
    """The metrics of one variant."""
    parts = (*_PARTS, *(f"{part}_raw" for part in _PARTS))
    return {
        "bertscore": {part: _mean([row[f"bertscore_{part}"] for row in scores]) for part in parts},
        **{name: _mean([row[name] for row in scores]) for name in corpus._fields},
        **{f"corpus_{name}": round(value, DIGITS) for name, value in corpus._asdict().items()},
        **{share: _mean([row[share] for row in scores]) for share in _SHARES},
    }


def _mean(values: list[float]) -> float:
    return round(math.fsum(values) / len(values), DIGITS)


def scoring_report(samples: Samples, encoder: BertEncoder, baseline: Baseline) -> JsonObject:
    """The content of scoring.json: the baseline, and how many texts were empty or longer than the encoder takes.

    Programs are counted apart: `code_bertscore` compares them in another form than the texts.
    """
    answers = {variant: [row["answer"] for row in samples[variant]] for variant in VARIANTS}
    texts = {"reference": [row["reference"] for row in samples[VARIANTS[0]]], **answers}
    return {
        "prompts": len(samples[VARIANTS[0]]),
        "max_tokens": encoder.max_tokens,
        "empty": {name: sum(encoder.extent(text).empty for text in found) for name, found in texts.items()},
        "long": {name: sum(encoder.extent(text).long for text in found) for name, found in texts.items()}
        | {"baseline": baseline.long},
        "long_programs": {name: _long_programs(found, encoder) for name, found in texts.items()},
        "baseline": {
            **baseline.floor._asdict(),
            "program": baseline.program_floor,
            "texts": baseline.texts,
            "pairs": baseline.pairs,
            "across": baseline.across,
        },
    }


def signatures(encoder: BertEncoder, baseline: Baseline) -> dict[str, str]:
    """What two scores of the encoder must share to be compared, by metric."""
    return {
        "bertscore": f"{encoder.signature}|{baseline.signature}",
        "code_bertscore": f"{program_signature(encoder)}|{baseline.program_signature}",
    }


def _long_programs(texts: list[str], encoder: BertEncoder) -> int:
    return sum(encoder.extent(form).long for text in texts if (form := normalized(text)) is not None)
