"""Functions whose doctest examples pass, with variants of them: equivalent programs, and programs with a fault."""

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
    """One function with its variants.

    :param id: the id of the function's row.
    :param reference: the function without its docstring, as in the training data.
    :param working: the sources of equivalent programs, by kind of change.
    :param broken: pairs of the kind of change and the source of a program that fails.
    """

    id: str
    reference: str
    working: dict[str, str] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class ValidityPrograms:
    """The functions that can be used, with statistics.

    :param functions: functions that have both working and broken variants.
    :param counts: the numbers of functions `with_examples`, `tried` and `usable`.
    :param equivalent: by kind of change: the number of equivalent programs that were `made`, and `kept` because they
        pass the examples.
    :param mutated: by kind of change: the number of mutants that were `made`, and `kept` because they fail.
    """

    functions: list[Programs]
    counts: dict[str, int]
    equivalent: dict[str, Counter[str]]
    mutated: dict[str, Counter[str]]


def make_programs(
    rows: Iterable[JsonObject], params: ValidityParams, isolation: Isolation, limits: Limits
) -> ValidityPrograms:
    """Select functions whose examples pass without their package, make variants of them, and run the variants.

    :param rows: rows with `id`, `kind` and `code`.
    :param params: seed, and numbers of functions and mutations.
    :param isolation: how processes are isolated.
    :param limits: time and memory for each program.
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
    made = ValidityPrograms([], counts, {}, {})
    _try_variants(made, usable, params, isolation, limits)
    made.functions = [found for found in made.functions if found.working and found.broken]
    return made


def _bare(code: str) -> str | None:
    """Return the function without its docstring, as answers are; None if its body has nothing else."""
    [node] = parse_tree(code).body
    assert isinstance(node, FunctionNode)  # noqa: S101
    return without_docstring(code, node) if len(node.body) > 1 else None


def _try_variants(
    made: ValidityPrograms, usable: list[Problem], params: ValidityParams, isolation: Isolation, limits: Limits
) -> None:
    """Make and run all variants; keep equivalent programs that pass and mutants that fail."""
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
