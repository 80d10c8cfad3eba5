"""Held-out problems: the examples that test the answers to a test row, or the reason why there are none.

The fields of the file are declared in codetune/schemas/problems.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from codetune.core.files import digest_bytes, dump_json
from codetune.data.clean.examples import Example, Examples, gives_unstable_results, is_shown_in

_VERIFIED = ("entry_point", "reference", "setup", "examples")


def examples_to_try(examples: Examples, shown: Sequence[Example], asked: str, reference: str) -> dict[str, Any] | str:
    """Return the setup and the examples that test answers to a held-out row, each marked as shown or hidden.

    :param examples: the usable examples of the docstring.
    :param shown: the examples that the instruction was made with.
    :param asked: the instruction; an example that its text contains anyway also counts as shown.
    :param reference: the correct answer.
    :returns: `setup` and `examples`, or the reason why no example can test an answer.
    """
    if examples.reason:
        return examples.reason
    if gives_unstable_results(reference):
        return "function_unstable"
    lines = [
        {
            "source": each.source, "want": each.want, "options": list(each.options),
            "shown": place < len(shown) or not each.decides or is_shown_in(each, [asked]),
        }
        for place, each in enumerate(examples.examples)
    ]  # fmt: skip
    if all(line["shown"] for line in lines):
        return "examples_all_shown"
    return {"setup": examples.setup, "examples": lines}


def held_out_problem(row: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    """Return a line of data/clean/problems.jsonl.

    :param row: the test row.
    :param examples: the result of `examples_to_try`.
    """
    problem = {
        **{key: row[key] for key in ("id", "group", "package", "path", "qualname")},
        "entry_point": row["qualname"],
        "instruction": row["instruction"],
        "reference": row["completion"],
        **examples,
    }
    return problem | {"digest": digest_bytes(dump_json([problem[key] for key in _VERIFIED]).encode())[:16]}


def problem_counts(found: Iterable[dict[str, Any] | str]) -> dict[str, Any]:
    """Count the held-out rows with problems, and the others by the reason why they have none.

    :param found: results of `examples_to_try`.
    """
    reasons = Counter(each if isinstance(each, str) else "" for each in found)
    tried = reasons.pop("", 0)
    return {"problems": tried, "without_examples": dict(sorted(reasons.items()))}
