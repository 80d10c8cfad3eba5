"""Scores of each prompt, and what they come to: the content of scores.jsonl, metrics.json and scoring.json."""

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
            row[variant] = score_answer(sample, matcher, baseline, tokenizer)
    return rows


def tokenizer_of(samples: Samples) -> Tokenizer:
    """The tokenizer of BLEU that suits the references, whatever the answers are."""
    return bleu_tokenizer(row["reference"] for row in samples[VARIANTS[0]])


def score_answer(
    sample: JsonObject, matcher: Matcher, baseline: Baseline, tokenizer: Tokenizer = DEFAULT
) -> dict[str, float]:
    """All scores of one answer, rounded: the metrics of the registry that have a value for it.

    :param sample: `answer` as it is scored and `reference`; `stopped` and `expected_form` where they are known.
    :param tokenizer: of BLEU.
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
    """What the encoder finds. BERTScore of an empty answer is 0, raw and rescaled, as in the library."""
    raw = matcher.match(answer, reference)
    empty = any(matcher.encoder.extent(text).empty for text in (answer, reference))
    rescaled = NOTHING if empty else baseline.rescale(raw)
    return Encoded(rescaled, raw, _code_bertscore(answer, reference, matcher, baseline))


def _code_bertscore(answer: str, reference: str, matcher: Matcher, baseline: Baseline) -> float:
    """The F3 of the programs that answer and reference are, rescaled; that of a raw 0 when either is none."""
    asked, wanted = normalized(answer), normalized(reference)
    if asked is None or wanted is None:
        return baseline.rescale_program(0.0)
    return baseline.rescale_program(max(0.0, f3(matcher.match(asked, wanted))))


def kept_scores(rows: list[JsonObject]) -> list[JsonObject]:
    """The rows of `score_prompts` as they stand in scores.jsonl."""
    kept = [str(metric.score) for metric in registry.per_prompt() if metric.stored]
    return [
        {"id": row["id"], "group": row["group"]} | {name: {key: row[name][key] for key in kept} for name in VARIANTS}
        for row in rows
    ]


def metrics(rows: list[JsonObject], corpus: dict[str, dict[str, float]], params: ScoreParams) -> JsonObject:
    """The content of metrics.json: means and corpus scores of each variant, and the gains of tuned over base.

    A gain is the difference of the two means of its metric; corpus scores have none.

    :param rows: what `score_prompts` gave.
    :param corpus: what `corpus_of` gave.
    """
    found = gains(rows, [str(metric.score) for metric in registry.tested()], params)
    return {
        **{variant: _summary([row[variant] for row in rows], corpus[variant]) for variant in VARIANTS},
        "gain": {m.gain: gain for m, gain in zip(registry.tested(), found, strict=True) if m.gain},
        "prompts": len(rows),
    }


def corpus_of(samples: Samples, tokenizer: Tokenizer = DEFAULT) -> dict[str, dict[str, float]]:
    """The scores of all answers as one text, by variant and key of the metric.

    :param tokenizer: of BLEU.
    """
    references = [row["reference"] for row in samples[VARIANTS[0]]]
    answers = {variant: [row["answer"] for row in samples[variant]] for variant in VARIANTS}
    return {
        variant: {each.key: each.corpus(texts, references, tokenizer) for each in registry.over_all() if each.corpus}
        for variant, texts in answers.items()
    }


def _summary(scores: list[dict[str, float]], corpus: dict[str, float]) -> JsonObject:
    """The metrics of one variant; keys with dots are levels."""
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


def setup_of(encoder: BertEncoder, baseline: Baseline, tokenizer: Tokenizer = DEFAULT) -> Setup:
    """How encoder and tokenizer are set up, for the signatures of the metrics."""
    return Setup(
        f"{encoder.signature}|{baseline.signature}",
        f"{program_signature(encoder)}|{baseline.program_signature}",
        tokenizer,
    )


def signatures(encoder: BertEncoder, baseline: Baseline) -> dict[str, str]:
    """What two scores of the encoder must share to be compared, by metric."""
    return registry.signatures(setup_of(encoder, baseline), encoded_only=True)


def _long_programs(texts: list[str], encoder: BertEncoder) -> int:
    return sum(encoder.extent(form).long for text in texts if (form := normalized(text)) is not None)
