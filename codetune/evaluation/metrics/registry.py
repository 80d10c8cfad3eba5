"""The registry of metrics. All code that computes, checks, stores, compares or shows metrics uses this list.

To add a metric, add an entry to `_ENTRIES` (CONTRIBUTING.md shows how). Report files have the order of the list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from codetune.evaluation.metrics.metric import PERCENT, Answer, Encoded, Metric, Setup, Task
from codetune.evaluation.metrics.segmentation import Tokenizer
from codetune.schemas.columns import Similarity
from codetune.schemas.declaration import Schema
from codetune.schemas.scores import Flag, Percent, Raw, Rescaled, scores_schema

_PYTHON: tuple[Task, ...] = ("python",)
_PARTS = ("precision", "recall", "f1")


def _encoded(answer: Answer) -> Encoded:
    if answer.encoded is None:
        raise ValueError("this metric needs an encoder, but the answer was not encoded")
    return answer.encoded


def _rescaled(part: str, answer: Answer) -> float:
    return float(getattr(_encoded(answer).rescaled, part))


def _raw(part: str, answer: Answer) -> float:
    return float(getattr(_encoded(answer).raw, part))


def _surface(name: str, answer: Answer) -> float:
    # Imported here, as in the functions below, so that code that only needs the list does not import sacrebleu.
    from codetune.evaluation.metrics import surface

    compute: Callable[[str, str], float] = getattr(surface, name)
    return compute(answer.text, answer.reference)


def _structure(name: str, answer: Answer) -> float:
    value: float = getattr(answer.structure, name)
    return value


def _parses(answer: Answer) -> int:
    from codetune.evaluation.metrics.syntax import syntax_valid

    return syntax_valid(answer.text)


def _bleu(answer: Answer) -> float:
    from codetune.evaluation.metrics.surface import sentence_bleu

    return sentence_bleu(answer.text, answer.reference, answer.tokenizer)


def _corpus_score(name: str, answers: Sequence[str], references: Sequence[str], tokenizer: Tokenizer) -> float:
    from codetune.evaluation.metrics.surface import corpus_scores

    return corpus_scores(answers, references, tokenizer)[name]


def _surface_signature(name: str, setup: Setup) -> str:
    from codetune.evaluation.metrics.surface import signatures

    return signatures(setup.tokenizer)[name]


def _bertscore(part: str, label: str, explanation: str, **more: object) -> Metric:
    told = f"Shows how much editing an answer needs, not whether it works. {explanation}"
    settings = {"order": 1, "brief": False} | more
    return Metric(
        f"bertscore.{part}", f"BERTScore {label}", told, f"bertscore_{part}", signature="bertscore",
        note="editing needed", column=Rescaled, measure=partial(_rescaled, part), sign=lambda setup: setup.texts,
        encoded=True, **settings,  # type: ignore[arg-type]
    )  # fmt: skip


def _bertscore_raw(part: str) -> Metric:
    """Return the metric for a part of BERTScore before rescaling; it has the same information on another scale."""
    key = f"bertscore.{part}_raw"
    return Metric(
        key, key, score=f"bertscore_{part}_raw", column=Raw, measure=partial(_raw, part), encoded=True,
        stored=part == "f1", shown=False,  # the other two follow from the rescaled values
    )  # fmt: skip


def _ngrams(key: str, label: str, unit: str, measure: Callable[[Answer], float], **more: object) -> Metric:
    return Metric(
        key, label, f"Overlap of {unit} sequences with the reference, 0 to 100: the mean over the prompts.", key,
        digits=2, signature=key, note="mean over prompts", column=Percent, measure=measure,
        sign=partial(_surface_signature, key), gain=key, order=3, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _of_all(mean: str, label: str) -> Metric:
    key = f"corpus_{mean}"
    explanation = (
        f"{label} of all answers joined into one text, 0 to 100. Long answers have more weight than in the mean over "
        "prompts. There is one number for all prompts and so no interval."
    )
    return Metric(
        key, f"Corpus {label}", explanation, digits=2, signature=key, note="all answers as one text",
        corpus=partial(_corpus_score, mean), sign=partial(_surface_signature, key), order=3, brief=False,
    )  # fmt: skip


def _share(key: str, label: str, explanation: str, measure: Callable[[Answer], float | None], **more: object) -> Metric:
    return Metric(
        key, label, explanation, key, digits=1, scale=100.0, unit=PERCENT, column=Flag, measure=measure,
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


F1 = _bertscore(
    "f1", "F1", "Harmonic mean of precision and recall: how well answer and reference match in meaning.",
    order=0, brief=True, gain="f1", robust=True, lead={"python": 1, "text": 3},
)  # fmt: skip
PARSES = _share(
    "syntax_valid", "Parses", "Share of answers whose code Python can parse.", _parses,
    gain="syntax_valid", robust=True, lead={"python": 3}, words=("parses", "does not parse"), tasks=_PYTHON,
)  # fmt: skip
_ENTRIES = (
    _bertscore("precision", "precision", "How much of the answer has a counterpart in the reference."),
    _bertscore("recall", "recall", "How much of the reference has a counterpart in the answer."),
    F1,
    *map(_bertscore_raw, _PARTS),
    _ngrams("chrf", "chrF", "character", partial(_surface, "sentence_chrf"),
            robust=True, quick=True, lead={"python": 2, "text": 2}),
    _ngrams("bleu", "BLEU", "word", _bleu, lead={"text": 1}),
    _of_all("chrf", "chrF"),
    _of_all("bleu", "BLEU"),
    Metric(
        "code_bertscore", "Code BERTScore", "BERTScore of the programs: formatting, comments and variable names do not "
        "matter, and recall has most weight (F3). 0 is the mean of unrelated programs; code that does not parse "
        "is far below 0.",
        "code_bertscore", signature="code_bertscore", column=Rescaled, measure=lambda answer: _encoded(answer).program,
        sign=lambda setup: setup.programs, encoded=True, gain="code_bertscore", order=2, tasks=_PYTHON,
    ),
    Metric(
        "edit_similarity", "Edit similarity", "1 minus the edits per character that turn the answer into the "
        "reference, 0 to 1.",
        "edit_similarity", column=Similarity, measure=partial(_surface, "edit_similarity"), gain="edit_similarity",
        robust=True, order=3, brief=False, quick=True,
    ),
    Metric(
        "tree_similarity", "Tree similarity", "Share of subtrees that the syntax trees of answer and reference have in "
        "common, 0 to 1; names and constants are ignored; 0 for code that does not parse.",
        "tree_similarity", column=Similarity, measure=partial(_structure, "tree_similarity"), gain="tree_similarity",
        order=3, brief=False, quick=True, tasks=_PYTHON,
    ),
    Metric(
        "length_ratio", "Length ratio", "Length of the shorter of answer and reference, divided by the length of the "
        "longer; 1 for equal lengths.",
        "length_ratio", column=Similarity, measure=partial(_surface, "length_ratio"), order=3, brief=False,
    ),
    _share("tree_match", "Tree match", "Share of answers with the syntax tree of the reference: formatting, comments "
           "and docstrings do not matter.", partial(_structure, "tree_match"), brief=False, tasks=_PYTHON),
    _share("signature_kept", "Signature kept", "Share of answers whose function has the name and the parameters of "
           "the reference.", partial(_structure, "signature_kept"), gain="signature_kept", brief=False, tasks=_PYTHON),
    _share("names_bound", "Names bound", "Share of answers that parse and use no undefined names. Built-in names and "
           "names that the reference takes from its file count as defined.", partial(_structure, "names_bound"),
           gain="names_bound", brief=False, tasks=_PYTHON),
    _share("exact_match", "Exact match", "Share of answers that equal the reference.", partial(_surface, "exact_match"),
           order=3),
    PARSES,
    _share("expected_form", "Expected form", "Share of answers in the form of the training data (train.answer_form), "
           "whether the code is correct or not. The base model was not trained on this form, so a gain here does not "
           "mean better code.", lambda answer: answer.expected_form,
           signature="expected_form", note="form, not skill", gain="expected_form",
           words=("in the expected form", "in another form")),
    _share("stopped", "Ends within the limit", "Share of answers that end before the token limit, with an end token "
           "or because their code is complete.",
           lambda answer: None if answer.stopped is None else int(answer.stopped),
           words=("ends within the limit", "cut at the limit")),
)  # fmt: skip
METRICS: dict[str, Metric] = {metric.key: metric for metric in _ENTRIES}
"""All metrics by key, in the order of the report files."""


def catalogue() -> tuple[Metric, ...]:
    """Return the metrics that are shown to readers, in the order in which they are shown."""
    return tuple(sorted((metric for metric in METRICS.values() if metric.shown), key=lambda metric: metric.order))


def per_prompt() -> list[Metric]:
    """Return the metrics that have a value for each prompt, in the order of the report files."""
    return [metric for metric in METRICS.values() if metric.measure]


def over_all() -> list[Metric]:
    """Return the metrics that have only one value for all prompts together."""
    return [metric for metric in METRICS.values() if metric.corpus]


def family_metrics() -> list[Metric]:
    """Return the metrics that form one family for p-values: those shown to readers, with a value for each prompt."""
    return [metric for metric in catalogue() if metric.measure and metric.stored]


def main_metrics(task: Task) -> list[Metric]:
    """Return the main metrics for comparing answers, the most important first.

    :param task: `python` or `text`, the kind of the answers.
    """
    return sorted((metric for metric in catalogue() if task in metric.lead), key=lambda metric: metric.lead[task])


def metric_by_gain_key(name: str) -> Metric | None:
    """Return the metric with this key under `gain` and `robustness` in reports/metrics.json; None if none has it.

    :param name: the key.
    """
    return next((metric for metric in METRICS.values() if metric.gain == name), None)


def schema() -> Schema:
    """Return the schema of reports/scores.jsonl."""
    return scores_schema({str(metric.score): metric.column for metric in per_prompt() if metric.stored})


def signatures(setup: Setup, *, encoded_only: bool = False) -> dict[str, str]:
    """Return the signatures of the metrics: values may be compared only if their signatures are equal.

    :param setup: how the values were measured.
    :param encoded_only: leave out the metrics that need no encoder.
    :returns: the signatures by their keys.
    """
    signed = [metric for metric in catalogue() if metric.sign and (metric.encoded or not encoded_only)]
    return {str(metric.signature): metric.sign(setup) for metric in signed if metric.sign}
