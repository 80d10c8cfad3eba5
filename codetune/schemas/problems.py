"""Schema of data/clean/problems.jsonl: held-out functions whose documented examples can test an answer.

The stage `clean` writes one line for each test row that has such examples, without running any code. `instruction` and
`reference` are those of the test row with the same `id` in data/clean/test.jsonl, so an answer to the test row is also
an answer to the problem.

How the examples of a problem test an answer:
1. `setup` runs first, in the namespace of the examples. It has the imports, helpers and constants that the examples use
   and that an answer need not define. It never defines `entry_point`, which the answer must define.
2. All `examples` run in order in the same namespace, as in `doctest`: the value of an expression is printed with `repr`
   unless it is None, and the output must equal `want` (empty: no output). A `want` that begins with `Traceback` expects
   that exception. `options` are names of doctest's option flags, such as `ELLIPSIS`.
3. Examples with `shown` true are part of the instruction, or prepare later examples (an assignment, an import).
   Examples with `shown` false are hidden. Only hidden examples decide whether an answer passes, and every problem has
   at least one hidden example with a `want`.

`digest` covers everything that the verification of a problem depends on: entry point, reference, setup and examples.
data/problems.jsonl, which is in git, lists `{"id": …, "digest": …}` for each problem whose reference passed its own
examples in the sandbox twice. If a digest there differs from that of the problem, the problem counts as unverified.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from codetune.core.files import JsonObject
from codetune.schemas.columns import RowId, Text, Words
from codetune.schemas.declaration import STRICT, Rule, Schema


class Example(TypedDict):
    """An example: the statement `source`, its expected output `want`, and whether the instruction shows it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    source: Words
    want: Text
    options: list[Words]
    shown: Annotated[bool, Field(description="true or false")]


class HeldOutProblem(TypedDict):
    """A test row with the examples that test its answers."""

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
    """A line of data/problems.jsonl: a problem whose reference passed its own examples."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    digest: RowId


def _decides(row: JsonObject) -> bool:
    return any(example["want"] and not example["shown"] for example in row["examples"])


_DECIDES = Rule("examples", ("examples",), _decides, "at least one hidden example with a want")
HELD_OUT_PROBLEMS = Schema(HeldOutProblem, "clean", rules=(_DECIDES,))
VERIFIED_PROBLEMS = Schema(VerifiedProblem, "clean")
