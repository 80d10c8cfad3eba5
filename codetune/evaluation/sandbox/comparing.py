"""What an example printed in the sandbox against what it must print, compared as `doctest` does."""

from __future__ import annotations

import doctest
from typing import Any

from codetune.evaluation.problems.suites import Example


def holds(example: Example, reply: dict[str, Any]) -> bool:
    """Whether an example printed what it must, or ended in the exception that it must end in.

    The rule of `doctest.DocTestRunner`: of an exception class and message count; what is printed before it does not.

    :param reply: of the process that runs examples: `printed`, and where the example raised `raised` and `last_line`.
    """
    [parsed] = doctest.DocTestParser().get_examples(f">>> _\n{example.want}")
    flags = sum({doctest.OPTIONFLAGS_BY_NAME.get(name, 0) for name in example.options})
    check = doctest.OutputChecker().check_output
    if "raised" not in reply:
        return check(parsed.want, reply["printed"], flags)
    if parsed.exc_msg is None:
        return False
    found = str(reply.get("last_line"))
    if check(parsed.exc_msg, found, flags):
        return True
    return bool(flags & doctest.IGNORE_EXCEPTION_DETAIL) and _class_name(parsed.exc_msg) == _class_name(found)


def _class_name(line: str) -> str:
    """The name of an exception's class in the last line of a traceback, without its module."""
    return line.partition("\n")[0].partition(":")[0].strip().rpartition(".")[2]
