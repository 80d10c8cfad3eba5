"""Functions whose examples hold, and what was made of them: programs that work the same, and programs that do not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from codetune.core.files import JsonObject, stable_seed
from codetune.evaluation.execution.trials import verdicts
from codetune.evaluation.problems.reading import Problem, doctest_problem
from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.validity.equivalents import equivalents
from codetune.evaluation.validity.mutants import mutants
from codetune.evaluation.validity.params import ValidityParams
from codetune.python_source.docstrings import without_docstring
from codetune.python_source.functions import FunctionNode
from codetune.python_source.tree import MAX_WALKED, parse_tree


@dataclass
class Programs:
    """What was made of one function, by what was changed.

    :param reference: the function without its docstring, as it is in the data.
    """

    id: str
    reference: str
    working: dict[str, str] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Made:
    """All functions that can be used, and the counts of what could not.

    :param counts: of functions `with_examples`, `tried` and `usable`.
    :param equivalent: of each kind, how many were made and how many do the same when they are run.
    :param mutated: of each kind, how many were made and how many fail.
    """

    functions: list[Programs]
    counts: dict[str, int]
    equivalent: dict[str, Counter[str]]
    mutated: dict[str, Counter[str]]


def make_programs(rows: Iterable[JsonObject], params: ValidityParams, isolation: Isolation, limits: Limits) -> Made:
    """Functions out of `rows` whose examples hold when they are run alone, with their variants, every one tried.

    :param rows: with `id`, `kind` and `code`.
    """
    known = {row["id"]: row for row in rows if row["kind"] == "function" and ">>>" in row["code"]}
    order = sorted(known, key=lambda identity: stable_seed(params.seed, "validity", identity))
    asked: list[Problem] = []
    for identity in order:
        problem = doctest_problem(identity, known[identity]["code"])
        if problem is not None:
            asked.append(problem)
        if len(asked) == params.functions:
            break
    passed = verdicts([(problem, problem.reference) for problem in asked], isolation, limits)
    usable = [problem for problem, verdict in zip(asked, passed, strict=True) if verdict.passed]
    counts = {"with_examples": len(known), "tried": len(asked), "usable": len(usable)}
    made = Made([], counts, {}, {})
    _try_variants(made, usable, params, isolation, limits)
    made.functions = [found for found in made.functions if found.working and found.broken]
    return made


def _bare(code: str) -> str | None:
    """The function without its docstring, as answers are; None where nothing is left."""
    [node] = parse_tree(code).body
    assert isinstance(node, FunctionNode)  # noqa: S101
    return without_docstring(code, node) if len(node.body) > 1 else None


def _try_variants(
    made: Made, usable: list[Problem], params: ValidityParams, isolation: Isolation, limits: Limits
) -> None:
    """Make every variant, run it, and keep those that do as they should."""
    variants: list[tuple[Problem, str, str, bool]] = []
    for problem in usable:
        reference = _bare(problem.reference)
        if reference is None:
            continue
        made.functions.append(Programs(problem.id, reference))
        tree = parse_tree(reference, MAX_WALKED)
        draw = random.Random(stable_seed(params.seed, "mutants", problem.id))
        variants += [(problem, kind, source, True) for kind, source in equivalents(tree).items()]
        variants += [(problem, kind, source, False) for kind, source in mutants(tree, params.mutants, draw)]
    by_id = {found.id: found for found in made.functions}
    tried = verdicts([(problem, source) for problem, _, source, _ in variants], isolation, limits)
    for (problem, kind, source, same), verdict in zip(variants, tried, strict=True):
        counts = (made.equivalent if same else made.mutated).setdefault(kind, Counter(made=0, kept=0))
        counts["made"] += 1
        if verdict.passed is not same:
            continue
        counts["kept"] += 1
        if same:
            by_id[problem.id].working[kind] = source
        else:
            by_id[problem.id].broken.append((kind, source))
