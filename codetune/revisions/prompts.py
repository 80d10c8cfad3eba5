"""The test prompts of two revisions, aligned by id, with the scores of the answers that are looked at side by side."""

from __future__ import annotations

from dataclasses import dataclass

from codetune.revisions.reports import Prompt, Reports


@dataclass(frozen=True)
class AlignedPrompt:
    """One prompt that both revisions answered, with the scores of the three answers that are shown side by side."""

    baseline: Prompt
    candidate: Prompt
    baseline_tuned: dict[str, float]
    candidate_tuned: dict[str, float]
    candidate_base: dict[str, float]


def aligned_prompts(baseline: Reports, candidate: Reports) -> list[AlignedPrompt]:
    """The prompts that both revisions have answers to, in the candidate's order."""
    empty: dict[str, float] = {}
    rows = []
    for identifier, prompt in candidate.prompts.items():
        before = baseline.prompts.get(identifier)
        if before is None:
            continue
        old, new = baseline.scores.get(identifier), candidate.scores.get(identifier)
        rows.append(
            AlignedPrompt(
                before, prompt, old.tuned if old else empty, new.tuned if new else empty, new.base if new else empty
            )
        )
    return rows
