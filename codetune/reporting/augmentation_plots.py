"""Plot of the similarity threshold that rejects paraphrases with another meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import altair as alt

from codetune.core.files import JsonObject
from codetune.data.augment.meaning import Calibration
from codetune.reporting.svg import QUIET, chart, svg

# Okabe and Ito's palette, which colour-blind readers can distinguish; the dashes repeat the distinction.
_COLORS = ("#009E73", "#D55E00", "#0072B2")
_DASHES = ([1, 0], [6, 3], [2, 2])
_WIDTH = 0.02
_LEAST = 0.4
_HEIGHT = 240


def meaning_plot(found: Calibration, run: Sequence[float]) -> str:
    """Plot the similarities of labelled pairs and of the paraphrases of a run, with the threshold.

    :param found: labelled pairs with the same meaning (`good`) and with another (`bad`), and the threshold.
    :param run: similarity of each paraphrase of the run to its original.
    :returns: SVG text.
    """
    values = {
        f"same meaning ({len(found.good)} labelled pairs)": found.good,
        f"other meaning ({len(found.bad)})": [value for _, value in found.bad],
        f"paraphrases of this run ({len(run):,})": run,
    }
    rows = [item for name, part in values.items() for item in _bins(name, part)]
    names = list(values)
    line = (
        chart(rows, _HEIGHT)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X(
                "similarity:Q",
                title="cosine of the sentence embeddings, bins of 0.02",
                scale=alt.Scale(domain=[_LEAST, 1.0 + _WIDTH], nice=False),
            ),
            y=alt.Y("share:Q", title="share of the pairs", axis=alt.Axis(format="%")),
            color=alt.Color("pairs:N", title=None, scale=alt.Scale(domain=names, range=list(_COLORS))),
            strokeDash=alt.StrokeDash("pairs:N", title=None, scale=alt.Scale(domain=names, range=list(_DASHES))),
        )
    )
    rule = chart([{"similarity": found.threshold}], _HEIGHT).mark_rule(color=QUIET).encode(x="similarity:Q")
    note = (
        f"below {found.threshold} a paraphrase is rejected: {found.false_rejects:.1%} of the pairs with the same "
        f"meaning, {1 - found.false_accepts:.0%} of those with another"
    )
    return svg(alt.layer(line, rule), "Do paraphrases keep the meaning?", note)


def _bins(name: str, values: Sequence[float]) -> list[JsonObject]:
    """The share of `values` in each bin, by lower edge. The first bin also counts lower values; 1 has its own bin."""
    last = round((1.0 - _LEAST) / _WIDTH)
    counts = Counter(max(0, min(last, int((value - _LEAST) / _WIDTH + 1e-6))) for value in values)
    return [
        {
            "pairs": name,
            "similarity": round(_LEAST + place * _WIDTH, 2),
            "share": round(counts[place] / max(1, len(values)), 6),
        }
        for place in [*range(last + 1), last + 1]
    ]
