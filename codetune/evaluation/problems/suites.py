"""What an answer is tried with: tests that call its functions, or examples that run beside it."""

from __future__ import annotations

import doctest
from dataclasses import dataclass


@dataclass(frozen=True)
class Suite:
    """Tests that call functions of the answer, with values of plain types.

    :param preamble: source that runs before the answer's functions are known to the tests.
    :param names: functions of the answer that the tests call.
    :param tests: source that raises unless the answer is right.
    """

    preamble: str
    names: tuple[str, ...]
    tests: str


@dataclass(frozen=True)
class Example:
    """A statement as `doctest` has them.

    :param source: one statement.
    :param want: what it must print, or the traceback of the exception that it must raise.
    :param options: the names of doctest's option flags, such as `ELLIPSIS`.
    :param decides: whether an answer fails when something else is printed; if not, it is run for those that follow.
    """

    source: str
    want: str
    options: tuple[str, ...] = ()
    decides: bool = True

    @property
    def skipped(self) -> bool:
        """Whether it is not run at all."""
        return "SKIP" in self.options


@dataclass(frozen=True)
class Examples:
    """Statements that run beside the answer, in order, in one namespace: what they print decides.

    :param setup: source that runs first in their namespace.
    :param names: functions of the answer that they use.
    """

    setup: str
    names: tuple[str, ...]
    examples: tuple[Example, ...]


def parse_examples(docstring: str) -> tuple[Example, ...]:
    """The examples of a docstring, all of which decide.

    :raises ValueError: when doctest cannot parse them.
    """
    names = {flag: name for name, flag in doctest.OPTIONFLAGS_BY_NAME.items()}
    return tuple(
        Example(found.source, found.want, tuple(names[flag] for flag, is_set in found.options.items() if is_set))
        for found in doctest.DocTestParser().get_examples(docstring)
    )
