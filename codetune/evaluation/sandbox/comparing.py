"""Comparison of the output of an example in the sandbox with the expected output, by the rules of `doctest`."""

from __future__ import annotations

import doctest
from typing import Any

from codetune.evaluation.problems.suites import Example


def example_passes(example: Example, reply: dict[str, Any]) -> bool:
    """Return whether an example printed the expected output, or raised the expected exception.

    As in `doctest.DocTestRunner`, an exception is compared by class and message, and output before it is ignored.

    :param example: the statement with its expected output.
    :param reply: the reply of the process that runs examples: `printed`, and if the example raised an exception also
        `raised` and `last_line`.
    :returns: true when the example passes.
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
    """Return the class name, without its module, from the last line of a traceback."""
    return line.partition("\n")[0].partition(":")[0].strip().rpartition(".")[2]
