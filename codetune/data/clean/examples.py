"""The examples of a docstring that can be tried beside an answer, and how they are shown in an instruction.

Nothing is run here. An example is left out where its names are not to be had outside of its package, where what it
prints depends on hash order or addresses, or where it is marked to be skipped; so is what depends on it.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from codetune.python_source.names import bound_names, names_from_outside
from codetune.python_source.self_contained import Incomplete, Module
from codetune.python_source.standard_library import STANDARD_LIBRARY
from codetune.python_source.tree import parse_tree

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}|<(function|generator|class|bound|built-in|module|[\w.]+ object)\b| at 0x")
# Printed in another way since Python 3.12, or by the system that paths are of.
_VERSIONED = re.compile(r"\bOrderedDict\(\[|\b(Posix|Windows)Path\(|<\w+\.\w+: ")
_FLAG_NAMES = {flag: name for name, flag in doctest.OPTIONFLAGS_BY_NAME.items()}
# What gives another result tomorrow or on another machine.
_UNSTABLE_MODULES_WORDS = """
asyncio ftplib getpass glob http imaplib locale multiprocessing os platform poplib random requests secrets select
shutil signal smtplib socket socketserver sqlite3 ssl subprocess tempfile threading time urllib uuid
"""
_UNSTABLE_MODULES = frozenset(_UNSTABLE_MODULES_WORDS.split())
_UNSTABLE_CALLS = frozenset({"open", "input", "id", "breakpoint", "exit", "quit"})
_CLOCK = frozenset({"now", "today", "utcnow", "fromtimestamp", "sleep", "astimezone"})


@dataclass(frozen=True)
class Example:
    """A statement of a docstring's examples.

    :param want: what it must print; empty for nothing.
    :param decides: whether it prints what the function gave.
    """

    source: str
    want: str
    options: tuple[str, ...] = ()
    decides: bool = False


@dataclass(frozen=True)
class Examples:
    """Examples in order, and what they need besides the function.

    :param reason: why there is none that decides; empty where there is one.
    """

    examples: tuple[Example, ...] = ()
    setup: str = ""
    reason: str = ""

    @property
    def deciding(self) -> int:
        """How many show what the function gives."""
        return sum(example.decides for example in self.examples)


def read_examples(docstring: str, name: str, module: Module) -> Examples:
    """The examples of the function `name` of a module that can be tried."""
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
    """Goes through examples in order and notes what they bind, need and lose."""

    def __init__(self, name: str, module: Module) -> None:
        self._name = name
        self._module = module
        self._bound: set[str] = set()
        self._lost: set[str] = set()
        self._derived = {name}
        self.needed: set[str] = set()
        self.reason = ""

    def take(self, given: doctest.Example) -> Example | None:
        """The example, or None where it is left out; what it binds is lost then."""
        source = given.source.rstrip("\n")
        options = tuple(sorted(_FLAG_NAMES[flag] for flag, on in given.options.items() if on))
        try:
            tree = parse_tree(source)
            used = names_from_outside(source) - self._bound
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.reason = "examples_malformed"
            return None
        binds = bound_names(tree)
        if own := _own_import(tree):
            # The function is there without it; another name is looked for in the module.
            self._lost |= own - {self._name}
            return None
        want = given.want.partition("```")[0] if given.want.startswith("```") or "\n```" in given.want else given.want
        if want.startswith("Traceback"):  # the class counts: Python's words for an error change with its version
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
    """What a statement binds that imports from elsewhere than the standard library, under names that are not its own.

    A name that is imported as it is called is to be had without the import; its own marks such a statement as one.
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
    """The example with a set of texts sorted, for its order is that of hashes."""
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
    """Whether code reads the clock, random numbers, files, the environment or the network, as far as names tell."""
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
    """How many deciding examples an instruction shows; of a held-out function at most half, the others are hidden."""
    return min(2, deciding // 2 if held_out else deciding)


def shown_part(examples: Examples, count: int) -> list[Example]:
    """The first examples, up to the one that is the `count`th to decide, and all before that it may build on."""
    part: list[Example] = []
    for example in examples.examples if count else ():
        part.append(example)
        count -= example.decides
        if not count:
            break
    return part


def stands_in(example: Example, texts: Collection[str]) -> bool:
    """Whether one of some texts shows an example's statement."""
    source = "".join(example.source.split())
    return any(source in "".join(text.split()) for text in texts)
