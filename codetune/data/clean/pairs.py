"""Keep or drop a row: either a function from source code, or a pair from a table, which already has both texts."""

from __future__ import annotations

import re
from typing import Any

from codetune.data.clean.filters import Candidate, completed, judge, length_drop, line_count
from codetune.data.clean.fingerprint import fingerprint
from codetune.data.clean.params import CleanParams
from codetune.data.clean.reasons import Drop
from codetune.data.clean.safety import license_drop, redacted, redacted_or_dropped, without_secret_parts
from codetune.python_source.functions import parse_or_reason
from codetune.python_source.indentation import dedented
from codetune.python_source.renaming import function_digests, renamed_digest
from codetune.python_source.tokens import lexical_tokens
from codetune.python_source.tree import dump_tree
from codetune.schemas.reviews import Review

_TEXTS = ("docstring", "code", "instruction", "completion")
_WORD = re.compile(r"\w+|[^\w\s]")
# An answer that is exactly one fenced code block. The fence comes from the chat format and is not part of the code.
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
    """Make a candidate from a text pair.

    Instruction and completion are compared together, because two questions may have the same answer, such as a label.
    """
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
    except RecursionError:  # the code can be parsed, but its syntax tree is too deep to be visited
        return Drop("too_deep")


def judge_row(
    row: dict[str, Any], params: CleanParams, text: str = "", review: Review | None = None
) -> Candidate | Drop:
    """Make a candidate from a raw row of either kind, or drop the row.

    :param row: a row of data/raw/rows.parquet; the kind `pair` means that it came from a table.
    :param text: see `judge`.
    :param review: the result of a reviewer who read the row.
    :returns: the candidate, or the drop with its reason.
    """
    if drop := license_drop(row["license"], params):
        return drop
    result = _judge(row, params, text, review)
    if isinstance(result, Drop):
        return without_secret_parts(result, (text, *(row.get(key) or "" for key in _TEXTS)), params)
    if review and review["verdict"] == "drop":
        return Drop("reviewed", found=review["text"])
    return _safe(result, row, params, text, review)


def _safe(
    result: Candidate, row: dict[str, Any], params: CleanParams, text: str, review: Review | None
) -> Candidate | Drop:
    """Remove secrets and personal data from a candidate, or drop it.

    If there is anything to remove, the candidate is made again from the cleaned raw row.
    """
    shown = _shown(result)
    passed = [redacted_or_dropped(each, params) for each in shown]
    if passed == shown:
        return result
    if drop := _first_drop(passed):
        return drop
    # The search takes longer than the filters, and few rows contain anything to remove: only those are filtered twice.
    clean = {key: redacted(row.get(key) or "", params) for key in _TEXTS}
    again = _judge(row | clean, params, redacted(text, params), review)
    if isinstance(again, Drop):
        return again
    strict = {"secrets": "drop", "personal_data": "keep" if params.personal_data == "keep" else "drop"}
    left = [redacted_or_dropped(each, params.model_copy(update=strict)) for each in _shown(again)]
    return _first_drop(left) or again


def _shown(candidate: Candidate) -> list[str]:
    """Return the texts of a candidate that are written: completion, instruction, and the examples that test answers."""
    examples = candidate.examples
    parts = (
        [examples["setup"], *(each[key] for each in examples["examples"] for key in ("source", "want"))]
        if isinstance(examples, dict)
        else []
    )
    return [candidate.completion, candidate.instruction, *parts]


def _first_drop(results: list[str | Drop]) -> Drop | None:
    return next((each for each in results if isinstance(each, Drop)), None)
