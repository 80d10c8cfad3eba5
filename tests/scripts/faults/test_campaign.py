"""Trials run in order, an interrupted campaign continues, and the folder of a failed trial is kept."""

import pytest

from scripts.faults.campaign import Outcome, run_trials


def test_a_campaign_continues_and_says_what_failed(tmp_path, capsys):
    drawn, interrupts = {}, [KeyboardInterrupt()]

    def trial(number, rng, folder):
        drawn[number] = rng.random()
        if number == 2 and interrupts:
            raise interrupts.pop()
        return Outcome(f"number {number}", ["one is wrong"] * (number == 1))

    with pytest.raises(KeyboardInterrupt):
        run_trials("toy", tmp_path, 4, 7, trial)
    first = dict(drawn)
    assert not run_trials("toy", tmp_path, 4, 7, trial)
    assert {number: drawn[number] for number in first} == first, "the same random numbers, whenever it runs"
    lines = capsys.readouterr().out.split("\n")
    assert sum(line.startswith("toy 1/4: number 0: passed") for line in lines) == 2
    assert any(line.startswith("toy 2/4: number 1: FAILED: one is wrong") for line in lines)
    assert any(line.startswith("toy: 4 trials, 3 passed, 1 failed, ") for line in lines)
    assert [path.name for path in (tmp_path / "trials").iterdir()] == ["toy-1"]


def test_another_seed_starts_anew(tmp_path):
    drawn = []

    def trial(number, rng, folder):
        drawn.append(rng.random())
        return Outcome("drawn", [])

    assert run_trials("toy", tmp_path, 2, 7, trial)
    assert run_trials("toy", tmp_path, 2, 8, trial)
    assert len(set(drawn)) == 4
