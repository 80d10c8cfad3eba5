"""Functions with examples, and their variants, run before they count."""

from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.validity.params import ValidityParams
from codetune.evaluation.validity.programs import make_programs

PARAMS = ValidityParams(seed=7, functions=10, mutants=6, cpu_s=1)


def row(
    identity,
    body,
    docstring='"""Clip.\n\n    >>> clip(5, 3)\n    3\n    >>> clip(1, 3)\n    1\n    """',
    kind="function",
):
    return {"id": identity, "kind": kind, "code": f"def clip(value, top):\n    {docstring}\n    {body}\n"}


ROWS = [
    row("a", "if value > top:\n        return top\n    else:\n        return value"),
    row("b", "return value"),
    row("c", "return np.minimum(value, top)"),
    row("d", "return min(value, top)", kind="method"),
    row("e", "return min(value, top)", docstring='"""Clip."""'),
    row("f", "", docstring='"""Clip.\n\n    >>> clip(1, 2)\n    """'),
]


def test_only_what_was_run_counts(any_isolation):
    made = make_programs(ROWS, PARAMS, any_isolation, Limits(cpu_s=1))
    assert made.counts == {"with_examples": 4, "tried": 3, "usable": 2}, "what uses names from outside is not run"
    [function] = made.functions
    assert function.id == "a"
    assert function.reference.startswith("def clip(value, top):\n    if value > top:")
    assert set(function.working) == {"layout", "branches", "comparisons"}
    assert function.broken
    assert "not value > top" in function.working["branches"]
    for kind, source in function.broken:
        assert "return value" in source or "return top" in source or kind == "return"
    kept = sum(counts["kept"] for counts in made.mutated.values())
    assert kept == len(function.broken)
    # `value >= top` does the same: a mutation that is no fault is made, and not kept.
    assert made.mutated["comparison"] == {"made": 1, "kept": 0}


def test_order_of_the_rows_does_not_matter(any_isolation):
    first = make_programs(ROWS, PARAMS, any_isolation, Limits(cpu_s=1))
    assert make_programs(ROWS[::-1], PARAMS, any_isolation, Limits(cpu_s=1)) == first
