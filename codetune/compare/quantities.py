"""Columns of the table of revisions, which are also axes of its plots: parameters that differ, and metrics.

If the values of a metric were measured in different ways, the page must say so: `ways_of` finds the ways.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codetune.compare.figures import LAST_LOSS, PROMPTS, Measured, Row
from codetune.compare.notices import short
from codetune.evaluation.metrics.catalogue import ANSWERS, VALIDATION_LOSS, metrics_of
from codetune.evaluation.metrics.metric import Metric
from codetune.evaluation.metrics.registry import main_metrics

Value = float | str
# Labels for the parts of reports/metrics.json, with the name of the metric in place of {}.
_FAMILIES = {
    "tuned.": "{}",
    "gain.": "Gain in {}",
    "robustness.tuned.": "{} in other words",
    "base.": "{} of the base",
    "robustness.base.": "{} of the base in other words",
}
_SIGNED = ("gain.", "robustness.")
_LOSS = "training.val_loss"
_FIRST_PARAMETERS = 4


@dataclass(frozen=True)
class Quantity:
    """A column of the table, which can also be an axis of a plot.

    :param key: flat key, such as `train.lora.rank` or `tuned.chrf`.
    :param label: text for a person.
    :param metric: the metric; None for a parameter.
    :param partial: whether it is a parameter that some rows do not have, and that has the same value in all others.
    """

    key: str
    label: str
    metric: Metric | None = None
    partial: bool = False

    def measured(self, row: Row) -> Measured | None:
        """The number that a row reports for a metric; None if it reports none, and for a parameter."""
        return row.figures.values.get(self.key) if self.metric else None

    def value(self, row: Row) -> Value | None:
        """The value of a row, a number or a text; None if it has none."""
        if self.metric:
            found = self.measured(row)
            return found.value if found else None
        if self.key not in row.figures.params:
            return None
        content = row.figures.params[self.key]
        if isinstance(content, int | float) and not isinstance(content, bool):
            return float(content)
        return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=str)

    def text(self, value: Value) -> str:
        """Format a value with a suitable number of digits and its unit."""
        if isinstance(value, str):
            return value
        signed = self.key.startswith(_SIGNED)
        return self.metric.show(value, signed=signed) if self.metric else f"{value:g}"


@dataclass(frozen=True)
class MeasurementSetup:
    """One way in which metrics were measured.

    :param name: a capital letter; `A` is the most frequent way.
    :param signatures: key and text of each signature.
    :param rows: number of rows that were measured in this way.
    """

    name: str
    signatures: tuple[tuple[str, str], ...]
    rows: int


def _changed_from_parent(rows: Sequence[Row], known: Sequence[Row]) -> set[str]:
    """The keys of the parameters in which an experiment differs from the commit that it started from."""
    figures = {row.revision.commit: row.figures.params for row in (*known, *rows)}
    found: set[str] = set()
    for row in rows:
        if row.revision.parent in figures and row.revision.parent is not None:
            old, new = figures[row.revision.parent], row.figures.params
            found |= {key for key in {*old, *new} if old.get(key) != new.get(key)}
    return found


def parameters(rows: Sequence[Row], known: Sequence[Row] = ()) -> list[Quantity]:
    """List the parameters that differ between the rows: first those with several values, then partial ones.

    A partial parameter has one value, but some params.yaml do not have it. Both lists are in the order of the files;
    those in which an experiment differs from its parent come first.

    :param known: more rows, in which the parents of experiments are looked up.
    """
    moved = _changed_from_parent(rows, known)
    files = [row.figures.params for row in rows if row.figures.params]
    several, partly = [], []
    for key in dict.fromkeys(key for params in files for key in params):
        present = [params[key] for params in files if key in params]
        if any(value != present[0] for value in present):
            several.append(Quantity(key, key))
        elif len(present) < len(files):
            partly.append(Quantity(key, key, partial=True))
    return [*sorted(several, key=lambda found: found.key not in moved), *partly]


def metrics(rows: Sequence[Row]) -> list[Quantity]:
    """List the metrics that any row reports: of tuned and base model, gains, robustness and validation loss."""
    reported = {key for row in rows for key in row.figures.values}
    last = f"{VALIDATION_LOSS.label}, last"
    losses = [
        Quantity(_LOSS, VALIDATION_LOSS.label, VALIDATION_LOSS),
        Quantity(LAST_LOSS, last, replace(VALIDATION_LOSS, label=last)),
    ]
    found = [loss for loss in losses if loss.key in reported]
    for prefix, words in _FAMILIES.items():
        names = {key.removeprefix(prefix) for key in reported if key.startswith(prefix)}
        for metric in metrics_of(names):
            label = words.format(metric.label)
            found.append(Quantity(f"{prefix}{metric.key}", label, replace(metric, label=label)))
    return sorted(found, key=_rank)


def _first() -> list[str]:
    """Keys of the most important metrics: the leading metrics, the gain of the first one, and the loss."""
    lead, *others = [metric.key for metric in main_metrics("python")]
    return [f"tuned.{lead}", f"gain.{lead}", *(f"tuned.{key}" for key in others), _LOSS]


def _rank(quantity: Quantity) -> int:
    """A sort key: the most important metrics come first, the others keep their order."""
    first = _first()
    return first.index(quantity.key) if quantity.key in first else len(first)


def default_columns(found: Sequence[Quantity]) -> list[Quantity]:
    """Choose the parameters and metrics to show by default."""
    params = [quantity for quantity in found if quantity.metric is None and not quantity.partial]
    return params[:_FIRST_PARAMETERS] + [quantity for quantity in found if quantity.key in _first()]


def ways_of(rows: Sequence[Row], shown: Sequence[Quantity]) -> tuple[list[MeasurementSetup], dict[str, str]]:
    """Find the ways in which metrics were measured.

    Values of one way can be compared. Rows of different ways have other prompts or other settings of the metrics.

    :param shown: the columns to consider.
    :returns: the ways, the most frequent first; and the name of each row's way, by key of the revision. A row without
        any of the metrics has no way.
    """
    asked = [quantity for quantity in shown if quantity.metric]
    answered = [ANSWERS, PROMPTS] if any(quantity.key not in (_LOSS, LAST_LOSS) for quantity in asked) else []
    keys = [*dict.fromkeys(q.metric.signature for q in asked if q.metric and q.metric.signature), *answered]
    found = {
        row.revision.key: tuple((key, row.figures.signatures.get(key, "not recorded")) for key in keys)
        for row in rows
        if any(quantity.measured(row) for quantity in asked)
    }
    ranked = Counter(found.values()).most_common()
    ways = [MeasurementSetup(_letter(place), signatures, count) for place, (signatures, count) in enumerate(ranked)]
    names = {way.signatures: way.name for way in ways}
    return ways, {key: names[signatures] for key, signatures in found.items()}


def _letter(place: int) -> str:
    """The name of a way: A to Z, then A2, B2 and so on."""
    return f"{chr(ord('A') + place % 26)}{place // 26 + 1 if place >= 26 else ''}"  # noqa: PLR2004 - letters


def ways_sentence(ways: Sequence[MeasurementSetup]) -> str:
    """Write a warning for values that were measured in several ways; empty if there is only one way."""
    if len(ways) < 2:  # noqa: PLR2004 - two to differ
        return ""
    parts = []
    for place, (key, first) in enumerate(ways[0].signatures):
        values = [way.signatures[place][1] for way in ways]
        if len(set(values)) == 1:
            continue
        if key == PROMPTS:
            parts.append("they did not all answer the same prompts")
        else:
            told = ", ".join(
                f"{way.name} {_apart(value, first, values)}" for way, value in zip(ways, values, strict=True)
            )
            parts.append(f"{key} was set up differently ({short(told)})")
    counts = ", ".join(f"{way.name} ({way.rows} revision{'s' if way.rows > 1 else ''})" for way in ways)
    return (
        f"These figures were measured in {len(ways)} ways: {counts}. Differences between the ways are not differences "
        f"between models: {'; '.join(parts)}."
    )


def _apart(value: str, first: str, values: Sequence[str]) -> str:
    """The text of a signature; if it has parts, such as `layer:6|idf:no`, only those that not all values have."""
    common = set.intersection(*(set(each.split("|")) for each in values))
    parts = [part for part in value.split("|") if part not in common]
    return ", ".join(parts) or ("as before" if value == first else "another order")
