"""The plots of the data card."""

from codetune.data.clean.reasons import REASONS
from codetune.reporting.data_card.facts import Step
from codetune.reporting.data_card.plots import _STAGES, funnel_plot


def test_every_group_of_rules_has_a_colour_of_its_own():
    assert set(REASONS.values()) <= set(_STAGES)
    assert len(set(_STAGES.values())) == len(_STAGES)


def test_the_funnel_names_each_group_of_its_rules():
    steps = [
        Step("method", "context", "it is a method", 2, 8),
        Step("reviewed", "review", "a reviewer dropped it", 1, 7),
    ]
    found = funnel_plot(10, steps, {"train": 5, "val": 1, "test": 1})
    assert ">context<" in found
    assert ">review<" in found
