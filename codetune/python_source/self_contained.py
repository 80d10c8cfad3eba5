"""Make a top-level function self-contained: add the imports, helpers and constants that it needs from its module.

Everything is found in the syntax tree; no code is run. A name can be a local one, a builtin, an import of the standard
library or of an allowed package, or a definition of the module, whose own names are resolved in the same way. If a name
is none of these, or does not always have the same meaning, the function is incomplete, with a drop reason.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from codetune.python_source.docstrings import without_docstring
from codetune.python_source.names import BUILTIN_NAMES, bound_names, free_names
from codetune.python_source.standard_library import STANDARD_LIBRARY
from codetune.python_source.tree import docstring_of, first_line, parse_tree
from codetune.python_source.writing import unparse

_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _FunctionNode | ast.ClassDef
_Block = ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.If | ast.Try | ast.TryStar | ast.Match
# Attributes of the module, and builtins that look up names given as text. A function with one of them cannot be moved.
_OF_THE_MODULE = frozenset({"__file__", "__name__", "__doc__", "__path__", "__package__", "__spec__", "__loader__"})
_BY_TEXT = frozenset({"globals", "eval", "exec", "__import__"})
# Modules of type aliases: an annotation with one of their names can be removed without loss for the reader.
_TYPE_WORDS = re.compile(r"^_typeshed|typing|(^|\.)_?(custom_)?types?$")
_EMPTY_CALLS = frozenset({"dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque", "WeakKeyDictionary"})


@dataclass(frozen=True)
class Incomplete:
    """The reason why a function cannot be made self-contained.

    :param reason: a drop reason from codetune/data/clean/reasons.py.
    :param found: the name or import that causes it.
    """

    reason: str
    found: str | None = None


@dataclass(frozen=True)
class SelfContained:
    """A function with everything that it needs from its module.

    :param imports: the import statements, sorted.
    :param helpers: the sources of the definitions that it needs, in the order of the module.
    :param function: the source of the function without its docstring; empty in the result of `Module.needs`.
    """

    imports: tuple[str, ...]
    helpers: tuple[str, ...]
    function: str

    @property
    def code(self) -> str:
        """The complete source: imports, helpers and the function, with blank lines as in PEP 8."""
        text = "\n".join(self.imports)
        was_block = False
        for part in filter(None, (*self.helpers, self.function)):
            is_block = part.startswith(("def ", "async def ", "class ", "@"))
            gap = "\n\n\n" if is_block or was_block else "\n\n" if text and part is self.helpers[0] else "\n"
            text += f"{gap if text else ''}{part}"
            was_block = is_block
        return text


@dataclass(frozen=True)
class _Import:
    """An import of one name; for `import module`, `name` is empty."""

    module: str
    name: str = ""
    alias: str = ""
    level: int = 0

    @property
    def root(self) -> str:
        return self.module.split(".")[0]


class _Unmet(Exception):  # noqa: N818
    """Raised anywhere in the search when the function is incomplete; carries the reason."""

    def __init__(self, reason: str, found: str | None = None) -> None:
        super().__init__(reason)
        self.incomplete = Incomplete(reason, found)


@dataclass(frozen=True)
class _Edit:
    """A part of a source, given by line and column (in bytes, as in the tree), and the text that replaces it."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: bytes = b""


class Module:
    """The source of a module, from which functions are extracted with everything that they need.

    :param text: the source.
    :param packages: import names of packages that are allowed in addition to the standard library.
    :raises SyntaxError, ValueError, RecursionError, MemoryError: see `parse_tree`.
    """

    def __init__(self, text: str, packages: Collection[str] = ()) -> None:
        self._lines = text.encode(errors="surrogatepass").split(b"\n")
        self._allowed = STANDARD_LIBRARY.union(packages)
        self._tree = parse_tree(text)
        self._bound: defaultdict[str, list[_Import | ast.stmt | Incomplete]] = defaultdict(list)
        self._changed: set[str] = set()
        self._has_star = False
        for statement in self._tree.body:
            self._bind(statement)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Global):
                self._changed.update(node.names)
        self._texts: dict[ast.stmt, tuple[str, set[str]]] = {}

    def function(self, line: int) -> SelfContained | Incomplete:
        """Return a top-level function with everything that it needs, or the reason why that is not possible.

        :param line: the first line of the function, of a decorator if there is one, counted from 1.
        """
        node = next((node for node in self._tree.body if first_line(node, self._lines) == line), None)
        if not isinstance(node, _FunctionNode):
            return Incomplete("conditional_definition")
        if len(self._bound[node.name]) > 1:
            return Incomplete("rebound_name", node.name)
        try:
            text, names = self._written(node, asked=True)
            imports, helpers = self._closure(names, node)
        except _Unmet as unmet:
            return unmet.incomplete
        return SelfContained(imports, helpers, text)

    def needs(self, names: Collection[str], given: str) -> SelfContained | Incomplete:
        """Return the imports and definitions of the module that other code needs for the names that it uses.

        :param names: the names, for example those in usage examples of a function.
        :param given: a function of the module that is already defined and not included.
        """
        node = next(node for node in self._bound[given] if isinstance(node, _FunctionNode))
        try:
            imports, helpers = self._closure(names, node)
        except _Unmet as unmet:
            return unmet.incomplete
        return SelfContained(imports, helpers, "")

    def _bind(self, statement: ast.stmt) -> None:
        """Record the names that a top-level statement binds, and the names whose values it changes."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._bind_import(statement)
        elif isinstance(statement, _Definition):
            if not any(_last_name(mark) == "overload" for mark in statement.decorator_list):
                self._bound[statement.name].append(statement)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            self._bind_assignment(statement)
        elif isinstance(statement, _Block):
            self._bind_block(statement)
        elif isinstance(statement, ast.AugAssign):
            self._changed |= _roots([statement.target])
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            # `TABLE.update(…)`: a later statement changes the value.
            self._changed |= (
                _roots([statement.value.func]) if isinstance(statement.value.func, ast.Attribute) else set()
            )
        elif isinstance(statement, ast.Delete):
            self._changed |= _roots(statement.targets)

    def _bind_import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for alias in statement.names:
            if isinstance(statement, ast.Import):
                bound = alias.asname or alias.name.split(".")[0]
                self._bound[bound].append(_Import(alias.name, alias=alias.asname or ""))
            elif alias.name == "*":
                self._has_star = True
            else:
                found = _Import(statement.module or "", alias.name, alias.asname or "", statement.level)
                self._bound[alias.asname or alias.name].append(found)

    def _bind_assignment(self, statement: ast.Assign | ast.AnnAssign) -> None:
        if statement.value is None:
            return
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            for name in names:
                if isinstance(name, ast.Name):
                    self._bound[name.id].append(statement)
                else:
                    self._changed |= _roots([name])

    def _bind_block(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.If) and _last_name(statement.test) == "TYPE_CHECKING":
            for inner in statement.body:
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    self._bind_import(inner)
            return
        if isinstance(statement, ast.If) and ast.dump(statement.test).startswith("Compare(left=Name(id='__name__'"):
            return
        for name in _modules_tried(statement):
            self._bound[name].append(_Import(name))
        reason = "optional_import" if isinstance(statement, ast.Try) and _imports_only(statement.body) else None
        for name in bound_names(ast.Module([statement], [])) - set(_modules_tried(statement)):
            self._bound[name].append(Incomplete(reason or "conditional_definition", name))
        self._changed |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}

    def _closure(self, names: Iterable[str], own: _FunctionNode) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the import statements and the definitions that `names` need, directly and indirectly.

        :param own: the function itself, which is not included.
        """
        imports: set[_Import] = set()
        helpers: dict[ast.stmt, str] = {}
        waiting = sorted(set(names) - {own.name}, reverse=True)
        while waiting:
            name = waiting.pop()
            for bound in self._resolved(name):
                if isinstance(bound, _Import):
                    imports.add(bound)
                elif bound not in helpers:
                    helpers[bound], needed = self._written(bound)
                    if own.name in needed and not isinstance(bound, _FunctionNode):
                        # It must be defined before the function, but uses the function at its definition.
                        raise _Unmet("definition_cycle", name)
                    waiting += sorted(needed - {own.name}, reverse=True)
        ordered = sorted(helpers, key=lambda node: (node.lineno, node.col_offset))
        return _import_lines(imports), tuple(helpers[node] for node in ordered)

    def _resolved(self, name: str) -> list[_Import | ast.stmt]:
        """Return the imports or definitions that bind a name at the top level; empty for a builtin.

        :raises _Unmet: if the name is unknown, or does not always have the same meaning.
        """
        found = self._bound.get(name)
        if found is None:
            if name in _OF_THE_MODULE:
                raise _Unmet("module_attribute", name)
            if name in _BY_TEXT:
                raise _Unmet("names_by_text", name)
            if name in BUILTIN_NAMES:
                return []
            raise _Unmet("star_import" if self._has_star else "undefined_name", name)
        for bound in found:
            if isinstance(bound, Incomplete):
                raise _Unmet(bound.reason, bound.found)
        meanings = [bound for bound in dict.fromkeys(found) if not isinstance(bound, Incomplete)]
        packages = all(isinstance(bound, _Import) and not bound.name and not bound.alias for bound in meanings)
        if len(meanings) > 1 and not packages:
            raise _Unmet("rebound_name", name)
        for bound in meanings:
            self._check(name, bound)
        return meanings

    def _check(self, name: str, bound: _Import | ast.stmt) -> None:
        if isinstance(bound, _Import):
            if bound.level:
                raise _Unmet("relative_import", name)
            if bound.root not in self._allowed:
                raise _Unmet("import_not_allowed", bound.root)
        elif not isinstance(bound, _FunctionNode) and (name in self._changed or _starts_empty(bound)):
            raise _Unmet("module_state", name)

    def _written(self, node: ast.stmt, *, asked: bool = False) -> tuple[str, set[str]]:
        """Return the source of a definition without docstring and unknown annotations, and the outside names in it.

        :param asked: whether it is the requested function, so the types of its parameters must be known.
        """
        if node in self._texts and not asked:
            return self._texts[node]
        annotations = _Annotations(self._lines, self._meaning, node if asked else None)
        edits = list(annotations.edits(node))
        text = self._cut(node, edits)
        try:
            text = _without_docstring(text, required=asked) if isinstance(node, _FunctionNode) else text
            names = free_names(text) | annotations.names
            inner = parse_tree(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise _Unmet("unknown_annotation" if edits else "syntax_error") from None
        for each in ast.walk(inner):
            if isinstance(each, _FunctionNode) and any(
                _last_name(mark) == "singledispatch" for mark in each.decorator_list
            ):
                raise _Unmet("module_state", each.name)  # other code registers its implementations
            if isinstance(each, ast.Import | ast.ImportFrom):
                self._check_inner_import(each)
            elif isinstance(each, ast.Global):
                raise _Unmet("module_state", each.names[0])
        self._texts[node] = text, names
        return text, names

    def _check_inner_import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom) and node.level:
            raise _Unmet("relative_import", node.names[0].name)
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for module in modules:
            if module.split(".")[0] not in self._allowed:
                raise _Unmet("import_not_allowed", module.split(".")[0])

    def _cut(self, node: ast.stmt, edits: Iterable[_Edit]) -> str:
        """Return the source of a node after edits; for functions and classes, whole lines."""
        first, last = first_line(node, self._lines), node.end_lineno or node.lineno
        block = isinstance(node, _Definition)
        starts = [0]
        for line in self._lines[first - 1 : last]:
            starts.append(starts[-1] + len(line) + 1)
        content = b"\n".join(self._lines[first - 1 : last])

        def place(line: int, column: int) -> int:
            return starts[line - first] + column

        end = len(content) if block else place(last, node.end_col_offset or 0)
        content = content[:end]
        for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
            content = content[: place(*edit.start)] + edit.text + content[place(*edit.end) :]
        return content[0 if block else node.col_offset :].decode(errors="replace").rstrip()

    def _meaning(self, name: str) -> str:
        """Classify a name in an annotation: `known`, `alias` for a type alias, or `foreign`."""
        found = self._bound.get(name)
        if found is None:
            return "known" if name in BUILTIN_NAMES else "foreign"
        bound = found[0]
        if isinstance(bound, _Import):
            known = not bound.level and bound.root in self._allowed
            return "known" if known else "alias" if _TYPE_WORDS.search(bound.module) else "foreign"
        return "alias" if isinstance(bound, ast.Assign | ast.AnnAssign) else "foreign"


class _Annotations:
    """Decides which annotations of a definition stay, and which are removed because they use unavailable names.

    :param lines: the lines of the module.
    :param meaning: classifies a name, see `Module._meaning`.
    :param asked: the function whose parameter types must be known, or None.
    """

    def __init__(self, lines: list[bytes], meaning: Callable[[str], str], asked: ast.stmt | None) -> None:
        self._lines = lines
        self._meaning = meaning
        self._parameters = set(_arguments(asked.args)) if isinstance(asked, _FunctionNode) else set()
        self.names: set[str] = set()

    def edits(self, node: ast.stmt) -> Iterator[_Edit]:
        """Yield the edits that remove unknown annotations.

        :raises _Unmet: if such an annotation cannot be removed: it is on a parameter of `asked`, on a field of a class,
            or on a declaration without a value.
        """
        for each in ast.walk(node):
            if isinstance(each, _FunctionNode):
                yield from self._edits_of_signature(each)
            elif isinstance(each, ast.ClassDef):
                for field in each.body:
                    if isinstance(field, ast.AnnAssign) and not self._known(field.annotation):
                        raise _Unmet("unknown_annotation", unparse(field.annotation))
            elif isinstance(each, ast.AnnAssign) and not self._known(each.annotation):
                if each.value is None:
                    raise _Unmet("unknown_annotation", unparse(each.annotation))
                yield _Edit(_end(each.target), _end(each.annotation))

    def _edits_of_signature(self, node: _FunctionNode) -> Iterator[_Edit]:
        for argument in _arguments(node.args):
            if argument.annotation and not self._known(argument.annotation, argument):
                yield self._without(argument, argument.annotation)
        if node.returns and not self._known(node.returns):
            yield self._without_returns(node.returns)

    def _known(self, annotation: ast.expr, argument: ast.arg | None = None) -> bool:
        names, has_text = _names_of(annotation)
        meanings = {self._meaning(name) for name in names}
        if "foreign" in meanings and argument in self._parameters:
            raise _Unmet("unknown_type", unparse(annotation)[:60])
        mixed = has_text and any(isinstance(node, ast.BinOp) for node in ast.walk(annotation))
        if meanings <= {"known"} and not mixed:
            self.names |= names if has_text else set()
            return True
        return False

    def _without(self, argument: ast.arg, annotation: ast.expr) -> _Edit:
        line, column = _end(annotation)
        rest = self._lines[line - 1][column:]
        spaces = len(rest) - len(rest.lstrip())
        start = (argument.lineno, argument.col_offset + len(argument.arg.encode()))
        if rest[spaces : spaces + 1] != b"=":
            return _Edit(start, (line, column))
        value = rest[spaces + 1 :]
        return _Edit(start, (line, column + spaces + 1 + len(value) - len(value.lstrip())), b"=")

    def _without_returns(self, annotation: ast.expr) -> _Edit:
        line = annotation.lineno
        before = self._lines[line - 1][: annotation.col_offset]
        arrow = before.rfind(b"->")
        if arrow < 0:
            raise _Unmet("unknown_annotation", unparse(annotation)[:60])
        return _Edit((line, len(before[:arrow].rstrip())), _end(annotation))


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _names_of(annotation: ast.expr) -> tuple[set[str], bool]:
    """Return the names in an annotation, including those inside its strings, and whether it has such strings."""
    names: set[str] = set()
    has_text = False
    waiting: list[ast.AST] = [annotation]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Subscript) and _last_name(node.value) == "Literal":
            waiting.append(node.value)
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            has_text = True
            try:
                waiting.append(ast.parse(node.value, mode="eval").body)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                names.add(node.value)
        elif isinstance(node, ast.Name):
            names.add(node.id)
        waiting += ast.iter_child_nodes(node)
    return names, has_text


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    single = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]


def _last_name(node: ast.AST) -> str:
    """Return `name` for the expressions `name` and `module.name`; empty for other expressions."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _roots(targets: Iterable[ast.expr]) -> set[str]:
    """Return the names whose values change by an assignment to `name.attribute` or `name[item]`."""
    found = set()
    for target in targets:
        node: ast.expr = target
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        found |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found


def _imports_only(body: list[ast.stmt]) -> bool:
    return any(isinstance(statement, ast.Import | ast.ImportFrom) for statement in body)


def _modules_tried(statement: ast.stmt) -> list[str]:
    """Return the standard library modules that a `try` imports with `import module`; Python 3.11 has all of them."""
    if not isinstance(statement, ast.Try):
        return []
    aliases = [alias for inner in statement.body if isinstance(inner, ast.Import) for alias in inner.names]
    return [alias.name for alias in aliases if alias.name in STANDARD_LIBRARY and not alias.asname]


def _starts_empty(node: ast.stmt) -> bool:
    """Return whether an assignment creates an empty container, which other code of the module probably fills."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if isinstance(value, ast.Call):
        return _last_name(value.func) in _EMPTY_CALLS and not any(
            isinstance(argument, ast.List | ast.Tuple | ast.Dict | ast.GeneratorExp) for argument in value.args
        )
    return (isinstance(value, ast.List) and not value.elts) or (isinstance(value, ast.Dict) and not value.keys)


def _without_docstring(text: str, *, required: bool) -> str:
    """Return a function without its docstring; unchanged if the docstring is its whole body.

    :param required: whether it is an error if the docstring shares a line with other code.
    :raises _Unmet: in that case.
    """
    node = parse_tree(text).body[0]
    if not isinstance(node, _FunctionNode) or docstring_of(node) is None or len(node.body) == 1:
        return text
    bare = without_docstring(text, node)
    if bare is None and required:
        raise _Unmet("docstring_inseparable")
    return bare or text


def _import_lines(imports: Iterable[_Import]) -> tuple[str, ...]:
    """Return the import statements: first `import module`, then one `from module import …` for each module."""
    whole = sorted({f"import {each.module}{_as(each.alias)}" for each in imports if not each.name})
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for each in imports:
        if each.name:
            parts[each.module].add(f"{each.name}{_as(each.alias)}")
    return (*whole, *(f"from {module} import {', '.join(sorted(parts[module]))}" for module in sorted(parts)))


def _as(alias: str) -> str:
    return f" as {alias}" if alias else ""
