"""The tests of a problem: a suite that calls functions of the answer, or doctest examples that use them."""

from __future__ import annotations

import doctest
from dataclasses import dataclass


@dataclass(frozen=True)
class Suite:
    """Tests that call functions of the answer, with values of plain types.

    :param preamble: source that runs first, before the functions of the answer are defined in the tests' namespace.
    :param names: names of the answer's functions that the tests call.
    :param tests: source that raises an exception unless the answer is correct.
    """

    preamble: str
    names: tuple[str, ...]
    tests: str


@dataclass(frozen=True)
class Example:
    """A doctest example.

    :param source: one statement.
    :param want: the expected output, or the traceback of the expected exception.
    :param options: the names of doctest's option flags, such as `ELLIPSIS`.
    :param decides: whether the answer fails if the output differs; if not, the statement is only run because later ones
        may need it.
    """

    source: str
    want: str
    options: tuple[str, ...] = ()
    decides: bool = True

    @property
    def skipped(self) -> bool:
        """Whether the example has the option SKIP, so that it is not run."""
        return "SKIP" in self.options


@dataclass(frozen=True)
class Examples:
    """Statements that run in order in one namespace, in the same interpreter as the answer; their output decides.

    :param setup: source that runs first in that namespace.
    :param names: names of the answer's functions that the statements use.
    :param examples: the statements with their expected output.
    """

    setup: str
    names: tuple[str, ...]
    examples: tuple[Example, ...]


def parse_examples(docstring: str) -> tuple[Example, ...]:
    """Return the examples of a docstring; all of them decide.

    :param docstring: the text of the docstring.
    :raises ValueError: when doctest cannot parse them.
    """
    names = {flag: name for name, flag in doctest.OPTIONFLAGS_BY_NAME.items()}
    return tuple(
        Example(found.source, found.want, tuple(names[flag] for flag, is_set in found.options.items() if is_set))
        for found in doctest.DocTestParser().get_examples(docstring)
    )
