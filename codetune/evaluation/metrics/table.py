"""Scores of each prompt and their summary: the content of scores.jsonl, metrics.json and scoring.json."""

from __future__ import annotations

import math
from collections.abc import Iterable

from codetune.core.files import JsonObject
from codetune.evaluation.metrics import registry
from codetune.evaluation.metrics.baseline import Baseline
from codetune.evaluation.metrics.bertscore import NOTHING, BertEncoder
from codetune.evaluation.metrics.code_bertscore import f3, normalized
from codetune.evaluation.metrics.code_bertscore import signature as program_signature
from codetune.evaluation.metrics.matching import Matcher, Pair
from codetune.evaluation.metrics.metric import Answer, Encoded, Setup
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import VARIANTS, Samples
from codetune.evaluation.metrics.segmentation import DEFAULT, Tokenizer, bleu_tokenizer
from codetune.evaluation.metrics.statistics import DIGITS, gains


def match_samples(*samples: Samples, matcher: Matcher) -> None:
    """Compute the encoder's scores of all answers against their references, as texts and as normalized programs.

    :param samples: the answers of both variants, one value for each set of prompts.
    :param matcher: computes the scores and stores them for `score_answer`.
    """
    rows = [row for each in samples for rows in each.values() for row in rows]
    match_pairs([(row["answer"], row["reference"]) for row in rows], matcher, "answers")


def match_pairs(pairs: Iterable[Pair], matcher: Matcher, label: str) -> None:
    """Compute the encoder's scores that `score_answer` needs, once for each distinct pair, and show the progress.

    :param pairs: pairs of answer and reference.
    :param matcher: computes the scores and stores them for `score_answer`.
    :param label: the name in the progress display.
    """
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
    """Score the answers of both variants.

    :param samples: the answers, as from `scored_samples`.
    :param matcher: gives the raw BERTScore of pairs.
    :param baseline: rescales BERTScore.
    :param tokenizer: the tokenizer of BLEU.
    :returns: one row per prompt with `id`, `group` and all scores of each variant, rounded.
    """
    rows = [{"id": sample["id"], "group": sample["group"]} for sample in samples[VARIANTS[0]]]
    for variant in VARIANTS:
        for row, sample in zip(rows, samples[variant], strict=True):
            row[variant] = score_answer(sample, matcher, baseline, tokenizer)
    return rows


def tokenizer_of(samples: Samples) -> Tokenizer:
    """Return the tokenizer of BLEU that suits the references; it does not depend on the answers.

    :param samples: the answers of both variants, with their references.
    """
    return bleu_tokenizer(row["reference"] for row in samples[VARIANTS[0]])


def score_answer(
    sample: JsonObject, matcher: Matcher, baseline: Baseline, tokenizer: Tokenizer = DEFAULT
) -> dict[str, float]:
    """Compute all metrics of one answer.

    :param sample: `answer` (the part that is scored) and `reference`; `stopped` and `expected_form` if they are known.
    :param matcher: gives the raw BERTScore of pairs.
    :param baseline: rescales BERTScore.
    :param tokenizer: the tokenizer of BLEU.
    :returns: rounded values by key in scores.jsonl; metrics without a value for this answer are left out.
    """
    answer = Answer(
        sample["answer"],
        sample["reference"],
        sample.get("stopped"),
        sample.get("expected_form"),
        _encoded(sample["answer"], sample["reference"], matcher, baseline),
        tokenizer,
    )
    values = {str(metric.score): metric.measure(answer) for metric in registry.per_prompt() if metric.measure}
    return {key: round(value, DIGITS) for key, value in values.items() if value is not None}


def _encoded(answer: str, reference: str, matcher: Matcher, baseline: Baseline) -> Encoded:
    """Return the scores from the encoder. BERTScore of an empty text is 0, raw and rescaled, as in bert-score."""
    raw = matcher.match(answer, reference)
    empty = any(matcher.encoder.extent(text).empty for text in (answer, reference))
    rescaled = NOTHING if empty else baseline.rescale(raw)
    return Encoded(rescaled, raw, _code_bertscore(answer, reference, matcher, baseline))


def _code_bertscore(answer: str, reference: str, matcher: Matcher, baseline: Baseline) -> float:
    """Return the rescaled F3 of answer and reference as normalized programs; if one does not parse, the raw F3 is 0."""
    asked, wanted = normalized(answer), normalized(reference)
    if asked is None or wanted is None:
        return baseline.rescale_program(0.0)
    return baseline.rescale_program(max(0.0, f3(matcher.match(asked, wanted))))


def stored_scores(rows: list[JsonObject]) -> list[JsonObject]:
    """Return the rows of scores.jsonl: those of `score_prompts` without the metrics that are not stored there.

    :param rows: the rows from `score_prompts`.
    """
    kept = [str(metric.score) for metric in registry.per_prompt() if metric.stored]
    return [
        {"id": row["id"], "group": row["group"]} | {name: {key: row[name][key] for key in kept} for name in VARIANTS}
        for row in rows
    ]


def metrics(rows: list[JsonObject], corpus: dict[str, dict[str, float]], params: ScoreParams) -> JsonObject:
    """Compute the content of metrics.json: means and corpus scores of each variant, and the gains.

    A gain is the difference of the two means of a metric; corpus scores have no gain.

    :param rows: the rows from `score_prompts`.
    :param corpus: the corpus scores from `corpus_metrics`.
    :param params: bootstrap samples, confidence and seed.
    """
    found = gains(rows, [str(metric.score) for metric in registry.family_metrics()], params)
    return {
        **{variant: _summary([row[variant] for row in rows], corpus[variant]) for variant in VARIANTS},
        "gain": {m.gain: gain for m, gain in zip(registry.family_metrics(), found, strict=True) if m.gain},
        "prompts": len(rows),
    }


def corpus_metrics(samples: Samples, tokenizer: Tokenizer = DEFAULT) -> dict[str, dict[str, float]]:
    """Compute the metrics that treat all answers as one text.

    :param samples: the answers of both variants, with their references.
    :param tokenizer: the tokenizer of BLEU.
    :returns: the values by variant and key of the metric.
    """
    references = [row["reference"] for row in samples[VARIANTS[0]]]
    answers = {variant: [row["answer"] for row in samples[variant]] for variant in VARIANTS}
    return {
        variant: {each.key: each.corpus(texts, references, tokenizer) for each in registry.over_all() if each.corpus}
        for variant, texts in answers.items()
    }


def _summary(scores: list[dict[str, float]], corpus: dict[str, float]) -> JsonObject:
    """Return the metrics of one variant as nested mappings: a dot in a key separates levels."""
    found: JsonObject = {}
    for metric in registry.METRICS.values():
        level, _, name = metric.key.rpartition(".")
        value = (
            round(corpus[metric.key], DIGITS) if metric.corpus else _mean([row[str(metric.score)] for row in scores])
        )
        (found.setdefault(level, {}) if level else found)[name] = value
    return found


def _mean(values: list[float]) -> float:
    return round(math.fsum(values) / len(values), DIGITS)


def scoring_report(samples: Samples, encoder: BertEncoder, baseline: Baseline) -> JsonObject:
    """Return the content of scoring.json: the baseline, and the numbers of texts that are empty or have many tokens.

    Long texts have more tokens than the encoder takes at once. They are counted separately as normalized programs,
    which `code_bertscore` compares.

    :param samples: the answers of both variants, with their references.
    :param encoder: the encoder in use.
    :param baseline: its baseline.
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


def setup_of(encoder: BertEncoder, baseline: Baseline, tokenizer: Tokenizer = DEFAULT) -> Setup:
    """Return the signatures of encoder and baseline, and the tokenizer, from which metrics make their signatures.

    :param encoder: the encoder in use.
    :param baseline: its baseline.
    :param tokenizer: the tokenizer of BLEU.
    """
    return Setup(
        f"{encoder.signature}|{baseline.signature}",
        f"{program_signature(encoder)}|{baseline.program_signature}",
        tokenizer,
    )


def signatures(encoder: BertEncoder, baseline: Baseline) -> dict[str, str]:
    """Return the signatures of the metrics that need the encoder; scores with equal signatures may be compared.

    :param encoder: the encoder in use.
    :param baseline: its baseline.
    """
    return registry.signatures(setup_of(encoder, baseline), encoded_only=True)


def _long_programs(texts: list[str], encoder: BertEncoder) -> int:
    return sum(encoder.extent(form).long for text in texts if (form := normalized(text)) is not None)
