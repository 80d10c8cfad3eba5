"""Describe in words why a stage ran again."""

from __future__ import annotations

from codetune.history.stages import Cause, StageDifference

MAX_NAMED = 5
_STATES = {"came": "new: the baseline has no such stage", "went": "gone: the candidate has no such stage"}


def stage_reasons(difference: StageDifference) -> list[str]:
    """Describe the inputs of a stage that differ: one clause each for parameters, code, data and command."""
    if difference.state != "re-ran":
        return [_STATES[difference.state]]
    if not difference.causes:
        return ["run again with the same command, parameters, code and data"]
    by_kind = {kind: [cause for cause in difference.causes if cause.kind == kind] for kind in _TOLD}
    return [
        f"{kind}: {_listed([_TOLD[kind](cause) for cause in causes])}" for kind, causes in by_kind.items() if causes
    ]


def outputs_text(difference: StageDifference) -> str:
    """Describe the outputs that differ, or say that all are the same; empty if only one revision has the stage."""
    if difference.state != "re-ran":
        return ""
    return _listed(list(difference.outputs)) if difference.outputs else "all the same"


def _change(cause: Cause) -> str:
    return f"{cause.name} {cause.baseline} \u2192 {cause.candidate}".strip()


def _data(cause: Cause) -> str:
    return f"{cause.name} (from {cause.maker})" if cause.maker else cause.name


_TOLD = {"parameter": _change, "code": lambda cause: cause.name, "data": _data, "command": _change}


def _listed(parts: list[str]) -> str:
    more = f" and {len(parts) - MAX_NAMED} more" if len(parts) > MAX_NAMED else ""
    return f"{', '.join(parts[:MAX_NAMED])}{more}"
