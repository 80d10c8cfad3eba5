"""Keep or drop a row of either kind: one of code, or one of a table, which has instruction and answer already."""

from __future__ import annotations

import re
from typing import Any

from codetune.data.clean.filters import Candidate, completed, judge, length_drop, line_count
from codetune.data.clean.fingerprint import fingerprint
from codetune.data.clean.params import CleanParams
from codetune.data.clean.reasons import Drop
from codetune.data.clean.safety import blanked, discreet, license_drop, scrubbed
from codetune.python_source.functions import parse_or_reason
from codetune.python_source.indentation import dedented
from codetune.python_source.renaming import function_digests, renamed_digest
from codetune.python_source.tokens import lexical_tokens
from codetune.python_source.tree import dump_tree
from codetune.schemas.reviews import Review

_TEXTS = ("docstring", "code", "instruction", "completion")
_WORD = re.compile(r"\w+|[^\w\s]")
# An answer that is one fenced block and nothing else: the fence is the chat's, not the code's.
_FENCED = re.compile(r"\s*```(?:python|py)?[ \t]*\n(?P<code>.*?)\n?```\s*", re.DOTALL | re.IGNORECASE)


def _judge_code(asked: str, answer: str, params: CleanParams) -> Candidate | Drop:
    fenced = _FENCED.fullmatch(answer)
    completion = fenced["code"].rstrip() if fenced and "```" not in fenced["code"] else answer
    code = dedented(completion)
    tree = parse_or_reason(code)
    if isinstance(tree, str):
        return Drop("too_deep" if tree == "too_deep" else "syntax_error")
    tokens = lexical_tokens(code)
    if drop := length_drop(line_count(completion), len(tokens), params):
        return drop
    marks = fingerprint(dump_tree(tree), renamed_digest(code), asked, tokens, asked, function_digests(code))
    return Candidate(asked, completion, len(tokens), marks)


def _judge_text(asked: str, answer: str) -> Candidate | Drop:
    """Text is compared as a pair: two questions may well have the same answer, as two labels or two greetings."""
    pair = f"{asked}\n{answer}"
    tokens = _WORD.findall(pair)
    return Candidate(asked, answer, len(tokens), fingerprint(" ".join(pair.casefold().split()), "", asked, tokens))


def _judge(row: dict[str, Any], params: CleanParams, text: str, review: Review | None) -> Candidate | Drop:
    try:
        if row["kind"] != "pair":
            return judge(row, params, text, review)
        asked = completed(row["instruction"], review)
        if params.task == "text":
            return _judge_text(asked, row["completion"])
        return _judge_code(asked, row["completion"], params)
    except RecursionError:  # it can be parsed, but its tree cannot be walked
        return Drop("too_deep")


def judge_row(
    row: dict[str, Any], params: CleanParams, text: str = "", review: Review | None = None
) -> Candidate | Drop:
    """The candidate made from a raw row of either kind, or why it is dropped.

    :param row: a row of data/raw/rows.parquet; its kind `pair` tells that it came from a table.
    :param text: as of `judge`.
    :param review: what a reviewer found who read the row.
    """
    if drop := license_drop(row["license"], params):
        return drop
    result = _judge(row, params, text, review)
    if isinstance(result, Drop):
        return discreet(result, (text, *(row.get(key) or "" for key in _TEXTS)), params)
    if review and review["verdict"] == "drop":
        return Drop("reviewed", found=review["text"])
    return _safe(result, row, params, text, review)


def _safe(
    result: Candidate, row: dict[str, Any], params: CleanParams, text: str, review: Review | None
) -> Candidate | Drop:
    """The candidate without what may not be passed on, made anew where it shows some, or why it is dropped."""
    shown = _shown(result)
    passed = [scrubbed(each, params) for each in shown]
    if passed == shown:
        return result
    if drop := _first_drop(passed):
        return drop
    # Few rows hold what must go, and looking takes longer than judging: those alone are judged twice.
    clean = {key: blanked(row.get(key) or "", params) for key in _TEXTS}
    again = _judge(row | clean, params, blanked(text, params), review)
    if isinstance(again, Drop):
        return again
    strict = {"secrets": "drop", "personal_data": "keep" if params.personal_data == "keep" else "drop"}
    left = [scrubbed(each, params.model_copy(update=strict)) for each in _shown(again)]
    return _first_drop(left) or again


def _shown(candidate: Candidate) -> list[str]:
    """What of a candidate is written: its answer, its instruction, and the examples that try an answer."""
    examples = candidate.examples
    parts = (
        [examples["setup"], *(each[key] for each in examples["examples"] for key in ("source", "want"))]
        if isinstance(examples, dict)
        else []
    )
    return [candidate.completion, candidate.instruction, *parts]


def _first_drop(results: list[str | Drop]) -> Drop | None:
    return next((each for each in results if isinstance(each, Drop)), None)
