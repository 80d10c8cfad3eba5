"""Statements with what they must print, compared as `doctest` does."""

from __future__ import annotations

import doctest
from dataclasses import dataclass
from typing import Any

_SKIP = "SKIP"


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
        return _SKIP in self.options

    def holds(self, reply: dict[str, Any]) -> bool:
        """Whether a reply of the process that runs examples is what must be printed, or the exception that is asked for.

        The same rule as in `doctest.DocTestRunner`: of an exception, class and message count; what is printed before it
        does not.
        """
        [parsed] = doctest.DocTestParser().get_examples(f">>> _\n{self.want}")
        flags = sum({doctest.OPTIONFLAGS_BY_NAME.get(name, 0) for name in self.options})
        check = doctest.OutputChecker().check_output
        if "raised" not in reply:
            return check(parsed.want, reply["printed"], flags)
        if parsed.exc_msg is None:
            return False
        found = str(reply.get("last_line"))
        if check(parsed.exc_msg, found, flags):
            return True
        return bool(flags & doctest.IGNORE_EXCEPTION_DETAIL) and _class_name(parsed.exc_msg) == _class_name(found)


def parse_examples(docstring: str) -> tuple[Example, ...]:
    """The examples of a docstring, all of which decide.

    :raises ValueError: when doctest cannot parse them.
    """
    names = {flag: name for name, flag in doctest.OPTIONFLAGS_BY_NAME.items()}
    return tuple(
        Example(found.source, found.want, tuple(names[flag] for flag, is_set in found.options.items() if is_set))
        for found in doctest.DocTestParser().get_examples(docstring)
    )


def _class_name(line: str) -> str:
    """The name of an exception's class in the last line of a traceback, without its module."""
    return line.partition("\n")[0].partition(":")[0].strip().rpartition(".")[2]
