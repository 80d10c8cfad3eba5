"""data/clean/problems.jsonl: the held-out functions whose documented examples can decide on an answer.

The stage `clean` writes one line for each test row that has such examples; nothing is run for it. `instruction` and
`reference` are those of the test row with the same `id` in data/clean/test.jsonl, so an answer to the test row is an
answer to the problem.

How the examples of a problem are tried, beside an answer:
1. `setup` is run first, in the namespace of the examples: the imports, helpers and constants that the examples use and
   an answer need not bind. It never defines `entry_point`; that name is the answer's.
2. All `examples` are run in order in this one namespace, as `doctest` runs them: an expression's value is printed by
   `repr` unless it is None, `want` is what must be printed (empty: nothing), a `want` that begins with `Traceback` asks
   for that exception. `options` are names of doctest's option flags, such as `ELLIPSIS`.
3. Those with `shown` true stand in the instruction, or prepare what follows (an assignment, an import); those with
   `shown` false are hidden. Only hidden ones decide, and every problem has at least one with a `want`.

`digest` covers all that a verification depends on: entry point, reference, setup and examples. data/problems.jsonl, in
git, lists `{"id": …, "digest": …}` of the problems whose reference passed its own examples in the sandbox, twice; a
line whose digest is not that of the problem counts as unverified.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from codetune.core.files import JsonObject
from codetune.schemas.columns import RowId, Text, Words
from codetune.schemas.declaration import STRICT, Rule, Schema


class Example(TypedDict):
    """A statement, what it must print, and whether the instruction shows it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    source: Words
    want: Text
    options: list[Words]
    shown: Annotated[bool, Field(description="true or false")]


class HeldOutProblem(TypedDict):
    """A test row with the examples that try its answers."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    group: Words
    package: Words
    path: Words
    qualname: Words
    entry_point: Words
    instruction: Words
    reference: Words
    setup: Text
    examples: list[Example]
    digest: RowId


class VerifiedProblem(TypedDict):
    """A line of data/problems.jsonl."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    digest: RowId


def _decides(row: JsonObject) -> bool:
    return any(example["want"] and not example["shown"] for example in row["examples"])


_DECIDES = Rule("examples", ("examples",), _decides, "at least one that is hidden and has a want")
HELD_OUT_PROBLEMS = Schema(HeldOutProblem, "clean", rules=(_DECIDES,))
VERIFIED_PROBLEMS = Schema(VerifiedProblem, "clean")
