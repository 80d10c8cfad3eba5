"""The fixed wording of instructions."""

import ast

import pytest

from codetune.data.clean.instruction import first_paragraph, instruction


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Return the sum.\n\nMore text.", "Return the sum."),
        ("Return the\n    sum of ``a`` and :class:`B`", "Return the sum of `a` and `B`."),
        ("See :py:meth:`~pkg.Thing.run` for it:", "See `pkg.Thing.run` for it."),
        ("Compute `Cramer's V`_ statistic", "Compute Cramer's V statistic."),
        ("Read `the docs <http://x>`__ now!", "Read the docs now!"),
    ],
)
def test_first_paragraph(docstring, expected):
    assert first_paragraph(docstring) == expected


@pytest.mark.parametrize(
    ("code", "qualname", "expected"),
    [
        ("def f(a, *rest, key=1, **kw): ...", "f",
         "Write a Python function `f` with parameters `a`, `*rest`, `key` and `**kw`. Do it."),
        ("def f(self, x): ...", "A.f", "Write a Python method `f` of class `A` with parameter `x`. Do it."),
        ("@staticmethod\ndef f(x): ...", "A.f", "Write a Python static method `f` of class `A` with parameter `x`. Do it."),
        ("@property\ndef f(self): ...", "A.B.f", "Write a Python property `f` of class `A.B`. Do it."),
        ("async def f(): ...", "f", "Write an asynchronous Python function `f`. Do it."),
    ],
)  # fmt: skip
def test_instruction_names_function_and_parameters(code, qualname, expected):
    assert instruction(ast.parse(code).body[0], qualname, "Do it") == expected
