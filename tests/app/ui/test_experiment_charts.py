"""The pictures of the page Experiments, as specifications of Vega-Lite."""

import pytest

from codetune.app.ui.experiment_charts import scatter
from codetune.compare.coordinates import Point
from codetune.compare.quantities import Quantity


def points(*xs, ends=None):
    return [Point(str(x), str(x), "A", x, 0.5, ends, (0.4, 0.6), str(x), "0.5") for x in xs]


def kinds_of(chart, channel):
    """The types of data that the layers of a chart put on an axis: several would give it several scales."""
    return {layer["encoding"][channel]["type"] for layer in chart.to_dict()["layer"] if channel in layer["encoding"]}


@pytest.mark.parametrize(
    ("found", "kind"),
    [(points("portable", "strict"), "nominal"), (points(2, 4), "quantitative"), (points(2, 4, ends=(1, 5)), "quantitative")],
    ids=["words", "numbers", "intervals"],
)  # fmt: skip
def test_an_axis_has_one_scale(found, kind):
    chart = scatter(found, Quantity("a", "a"), Quantity("b", "b"), (), ())
    assert kinds_of(chart, "x") == {kind}
    assert kinds_of(chart, "y") == {"quantitative"}
    rules = [layer for layer in chart.to_dict()["layer"] if layer["mark"]["type"] == "rule"]
    assert len(rules) == 1 + (found[0].x_ends is not None)
