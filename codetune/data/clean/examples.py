"""Read the examples of a docstring that can be run with an answer, and choose those that an instruction shows.

This module runs nothing. It leaves out an example that uses names available only inside its package, that prints hash
orders or memory addresses, or that is marked to be skipped. It also leaves out the examples that depend on such a one.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from codetune.python_source.names import bound_names, free_names
from codetune.python_source.self_contained import Incomplete, Module
from codetune.python_source.standard_library import STANDARD_LIBRARY
from codetune.python_source.tree import parse_tree

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}|<(function|generator|class|bound|built-in|module|[\w.]+ object)\b| at 0x")
# Output that depends on the Python version (since 3.12) or on the operating system (paths).
_VERSIONED = re.compile(r"\bOrderedDict\(\[|\b(Posix|Windows)Path\(|<\w+\.\w+: ")
_FLAG_NAMES = {flag: name for name, flag in doctest.OPTIONFLAGS_BY_NAME.items()}
# Modules and calls whose results change with time or machine.
_UNSTABLE_MODULES_WORDS = """
asyncio ftplib getpass glob http imaplib locale multiprocessing os platform poplib random requests secrets select
shutil signal smtplib socket socketserver sqlite3 ssl subprocess tempfile threading time urllib uuid
"""
_UNSTABLE_MODULES = frozenset(_UNSTABLE_MODULES_WORDS.split())
_UNSTABLE_CALLS = frozenset({"open", "input", "id", "breakpoint", "exit", "quit"})
_CLOCK = frozenset({"now", "today", "utcnow", "fromtimestamp", "sleep", "astimezone"})


@dataclass(frozen=True)
class Example:
    """One statement of the examples in a docstring.

    :param source: the statement.
    :param want: the output that it must print; empty for no output.
    :param options: names of doctest options.
    :param decides: whether the output shows a result of the function, so that it can prove an answer wrong.
    """

    source: str
    want: str
    options: tuple[str, ...] = ()
    decides: bool = False


@dataclass(frozen=True)
class Examples:
    """The usable examples of a docstring in order, and the code that they need besides the function.

    :param setup: imports and definitions that the examples need.
    :param reason: why no example shows a result of the function; empty if one does.
    """

    examples: tuple[Example, ...] = ()
    setup: str = ""
    reason: str = ""

    @property
    def deciding(self) -> int:
        """Number of examples that show a result of the function."""
        return sum(example.decides for example in self.examples)


def read_examples(docstring: str, name: str, module: Module) -> Examples:
    """Read the examples of a docstring that can be run.

    :param name: the function that has the docstring.
    :param module: the module of the function.
    """
    try:
        found = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return Examples(reason="examples_malformed")
    if not found:
        return Examples(reason="no_examples")
    reading = _Reading(name, module)
    kept = [example for each in found if (example := reading.take(each))]
    while kept and not kept[-1].want:
        kept.pop()
    if not any(example.decides for example in kept):
        return Examples(reason=reading.reason or "examples_undecided")
    setup = module.needs(reading.needed, name)
    return Examples(tuple(kept), "" if isinstance(setup, Incomplete) else setup.code)


class _Reading:
    """Processes examples in order and records the names that they bind and need, and those that are unavailable."""

    def __init__(self, name: str, module: Module) -> None:
        self._name = name
        self._module = module
        self._bound: set[str] = set()
        self._lost: set[str] = set()
        self._derived = {name}
        self.needed: set[str] = set()
        self.reason = ""

    def take(self, given: doctest.Example) -> Example | None:
        """Return the example, or None if it is left out; then the names that it binds become unavailable."""
        source = given.source.rstrip("\n")
        options = tuple(sorted(_FLAG_NAMES[flag] for flag, on in given.options.items() if on))
        try:
            tree = parse_tree(source)
            used = free_names(source) - self._bound
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.reason = "examples_malformed"
            return None
        binds = bound_names(tree)
        if own := _own_import(tree):
            # The function itself is available without the import; other names are searched for in the module.
            self._lost |= own - {self._name}
            return None
        want = given.want.partition("```")[0] if given.want.startswith("```") or "\n```" in given.want else given.want
        if want.startswith("Traceback"):  # compare only the class: error messages change between Python versions
            options = tuple(sorted({*options, "IGNORE_EXCEPTION_DETAIL"}))
        example = Example(source, want.rstrip("\n"), options)
        reason = self._obstacle(example, used)
        if reason:
            self.reason = self.reason or reason
            self._lost |= binds
            return None
        self.needed |= used - {self._name}
        self._bound |= binds
        touches = not self._derived.isdisjoint({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
        if touches:
            self._derived |= binds
        return _in_order(replace(example, decides=touches and bool(example.want)), tree)

    def _obstacle(self, example: Example, used: set[str]) -> str:
        if "SKIP" in example.options:
            return "examples_skipped"
        if not self._lost.isdisjoint(used) or isinstance(self._module.needs(used, self._name), Incomplete):
            return "examples_need_more"
        if _ADDRESS.search(example.want) or _VERSIONED.search(example.want):
            return "examples_unstable"
        return "examples_unstable" if gives_unstable_results(example.source) else ""


def _own_import(tree: ast.Module) -> set[str]:
    """Return the names that a single import from outside the standard library binds and that need the import.

    A name imported under its own name (`from package import name`) is available without the import. If there are only
    such names, the result is `{""}`, which marks the statement as such an import. Other statements give an empty set.
    """
    [*statements] = tree.body
    if len(statements) != 1 or not isinstance(statements[0], ast.Import | ast.ImportFrom):
        return set()
    statement = statements[0]
    module = statement.module or "" if isinstance(statement, ast.ImportFrom) else statement.names[0].name
    if module.split(".")[0] in STANDARD_LIBRARY:
        return set()
    if isinstance(statement, ast.ImportFrom):
        return {alias.asname for alias in statement.names if alias.asname} or {""}
    return {alias.asname or alias.name.split(".")[0] for alias in statement.names}


def _in_order(example: Example, tree: ast.Module) -> Example:
    """Return the example with an expected set of strings sorted, because the order of a set depends on hashes."""
    try:
        value = ast.literal_eval(example.want)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return replace(example, decides=False) if re.match(r"(frozen)?set\(|\{[^:]*\}$", example.want) else example
    is_set = isinstance(value, set) and len(value) > 1
    if not is_set or [type(statement) for statement in tree.body] != [ast.Expr]:
        return example
    try:
        return replace(example, source=f"sorted({example.source})", want=repr(sorted(value)))
    except TypeError:
        return replace(example, decides=False)


def gives_unstable_results(code: str) -> bool:
    """Return whether code reads the clock, random numbers, files, the environment or the network, judged by names."""
    for node in ast.walk(parse_tree(code)):
        if isinstance(node, ast.Import) and any(alias.name.split(".")[0] in _UNSTABLE_MODULES for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _UNSTABLE_MODULES:
            return node.module != "os.path"
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in _UNSTABLE_CALLS:
                return True
            if isinstance(called, ast.Attribute) and called.attr in _CLOCK:
                return True
    return False


def shown_count(deciding: int, *, held_out: bool) -> int:
    """Return how many deciding examples an instruction shows.

    :param deciding: number of deciding examples.
    :param held_out: whether the row is held out; then at most half are shown, and the others become hidden tests.
    """
    return min(2, deciding // 2 if held_out else deciding)


def shown_examples(examples: Examples, count: int) -> list[Example]:
    """Return the examples up to the `count`th deciding one; they include those before it that it may depend on."""
    part: list[Example] = []
    for example in examples.examples if count else ():
        part.append(example)
        count -= example.decides
        if not count:
            break
    return part


def is_shown_in(example: Example, texts: Collection[str]) -> bool:
    """Return whether one of the texts contains the statement of an example, ignoring white space."""
    source = "".join(example.source.split())
    return any(source in "".join(text.split()) for text in texts)
