"""What the benchmark of busy cores runs beside a stage, and what it says."""

import os

import psutil
import pytest

from benchmarks import busy


def test_every_core_is_busy_within_the_block_alone():
    before = set(psutil.Process().children())
    with busy.busy_cores():
        loops = set(psutil.Process().children()) - before
        assert len(loops) == os.cpu_count()
    assert not any(loop.is_running() for loop in loops)


def test_a_stage_is_run_alone_and_beside_busy_loops_in_turns():
    children = len(psutil.Process().children())
    seen = []
    ratios = busy.slowdown(lambda: seen.append(len(psutil.Process().children()) - children))
    assert seen == [0, *[0, os.cpu_count()] * len(ratios)]


@pytest.mark.parametrize(
    ("ratios", "said", "over"), [([1.9, 2.1, 9.0], " 2.10 times", False), ([2.9, 3.5, 3.1], " 3.10 times", True)]
)
def test_a_median_over_the_limit_is_said_to_be(capsys, ratios, said, over):
    busy._line("score", ratios)
    printed = capsys.readouterr().out
    assert said in printed
    assert ("OVER the limit of 3" in printed) == over
