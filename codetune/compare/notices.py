"""Write warnings about revisions that cannot be compared, or only in part."""

from __future__ import annotations

from typing import Any

from codetune.evaluation.metrics.catalogue import EXECUTION, VALIDATION_LOSS, flatten
from codetune.history.reports import Reports

_PROMPTS = "prompts_digest"
MAX_NAMED = 6
MAX_CHARS = 120


def _change(old: Any, new: Any) -> str:
    """Text for a changed signature. If both signatures have parts, such as `layer:6|idf:no`, only parts that differ."""
    before, after = (str(value).split("|") for value in (old, new))
    if len(before) > 1 and len(after) > 1:
        gone = [part for part in before if part not in after]
        come = [part for part in after if part not in before]
        before, after = gone or ["the same parts"], come or ["another order"]
    return f"{short(', '.join(before))} became {short(', '.join(after))}"


def short(text: str) -> str:
    """Shorten a text to at most `MAX_CHARS` characters."""
    return text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 1]}\u2026"


def differing_signatures(baseline: Reports, candidate: Reports) -> list[str]:
    """List the flat keys of the signatures that differ between two revisions, without the digest of the prompts.

    If a revision has no signatures, the list is empty; `signature_notices` then writes a warning.
    """
    if not baseline.signatures or not candidate.signatures:
        return []
    old, new = flatten(baseline.measured_by), flatten(candidate.measured_by)
    keys = [*old, *(key for key in new if key not in old)]
    optional = (f"{EXECUTION}.", str(VALIDATION_LOSS.signature))  # if one revision has none, no number is compared
    alone = {key for key in keys if key.startswith(optional) and (key in old) is not (key in new)}
    return [key for key in keys if key != _PROMPTS and key not in alone and old.get(key) != new.get(key)]


def signature_notices(baseline: Reports, candidate: Reports, metrics: set[str]) -> list[str]:
    """Write a sentence for each signature that differs, or one that a revision has no signatures.

    :param metrics: top-level keys of the signatures of metrics in the table. A metric is not subtracted if its
        signature differs.
    """
    missing = [r.revision.title for r in (baseline, candidate) if r.measured and not r.signatures]
    if missing:
        return [
            f"{' and '.join(missing)} reports no signatures, so it is not known whether the numbers are comparable."
        ]
    old, new = flatten(baseline.measured_by), flatten(candidate.measured_by)
    sentences, others = [], []
    for key in differing_signatures(baseline, candidate):
        pair = _change(old.get(key, "nothing"), new.get(key, "nothing"))
        if key.partition(".")[0] in metrics:
            sentences.append(f"{key} was measured in two ways, so its values are not subtracted: {pair}.")
        else:
            others.append(f"{key}: {pair}")
    if others:
        more = f"; and {len(others) - MAX_NAMED} more" if len(others) > MAX_NAMED else ""
        sentences.append(
            f"The numbers were computed with different settings, which may cause small differences: "
            f"{'; '.join(others[:MAX_NAMED])}{more}."
        )
    return sentences


def stale_notices(candidate: Reports) -> list[str]:
    """Write a sentence for a revision whose parameters changed although no number did."""
    older = f"the reports of {candidate.revision.title} are older than its parameters"
    return [f"Parameters differ, but no score does: they have no effect here, or {older} (then run `dvc repro`)."]


def prompt_notices(baseline: Reports, candidate: Reports) -> list[str]:
    """Write a sentence if the two revisions did not answer the same prompts; else none."""
    old, new = baseline.scores, candidate.scores
    if not old or not new:
        return []
    shared = [identifier for identifier in new if identifier in old]
    if len(shared) < max(len(old), len(new)):
        if not shared:
            sizes = f"{len(old)} and {len(new)} prompts"
            return [f"The two revisions have no prompts in common ({sizes}), so nothing is subtracted."]
        sizes = f"The test sets differ: {len(old)} prompts in the baseline, {len(new)} in the candidate."
        return [f"{sizes} All numbers below are for the {len(shared)} prompts that both answered."]
    changed = _changed_texts(baseline, candidate)
    if changed:
        return [f"{changed} prompts have the same id but another instruction or reference."]
    if _digest(baseline) != _digest(candidate):
        return ["The prompts have the same ids but another digest: instructions or references have changed."]
    return []


def _digest(reports: Reports) -> Any:
    return reports.signatures.get(_PROMPTS)


def _changed_texts(baseline: Reports, candidate: Reports) -> int:
    pairs = ((baseline.prompts.get(identifier), prompt) for identifier, prompt in candidate.prompts.items())
    return sum(
        old is not None and (old.instruction, old.reference) != (new.instruction, new.reference) for old, new in pairs
    )
