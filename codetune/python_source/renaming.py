"""Compare functions by their syntax trees with all local names replaced. Equal trees count as the same program."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from codetune.core.files import digest_bytes
from codetune.python_source.functions import FunctionNode, parse
from codetune.python_source.tokens import lexical_tokens
from codetune.python_source.tree import check_walkable, dump_tree

# A shorter nested function or method is too common to compare.
_LEAST_TOKENS = 20
# A longer text is what a function is about, such as the page that it fills in, except where it is only a message.
_LONGEST_CONSTANT = 20


class _Renamer(ast.NodeTransformer):
    """Replaces the names that a function binds by numbers in order of first use, and each constant by its type.

    A text of more than 20 characters stays, unless it is the message of an error.
    """

    def __init__(self, own: set[str]) -> None:
        self._own = own
        self._in_message = False
        self._numbers: dict[str, str] = {}

    def _number(self, name: str) -> str:
        return self._numbers.setdefault(name, f"v{len(self._numbers)}") if name in self._own else name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._number(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self._number(node.arg))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name:
            node.name = self._number(node.name)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: FunctionNode) -> ast.AST:
        node.name = self._number(node.name)
        node.returns = None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name is ast's

    def visit_Raise(self, node: ast.Raise | ast.Assert) -> ast.AST:
        self._in_message = True
        self.generic_visit(node)
        self._in_message = False
        return node

    visit_Assert = visit_Raise  # noqa: N815 - the name is ast's

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        simple = node.value is None or isinstance(node.value, bool)
        text = isinstance(node.value, str) and len(node.value) > _LONGEST_CONSTANT and not self._in_message
        return node if simple or text else ast.Name(f"<{type(node.value).__name__}>", ast.Load())


def _own_names(tree: ast.AST) -> set[str]:
    """Return the names that the function binds: its own name, its parameters and its variables."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, FunctionNode):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def renamed_tree(code: str) -> str | None:
    """Return the tree of a function as text, without its own names, constants, annotations and docstring.

    Names from outside, attributes and keywords stay, because they determine what the function does.

    :returns: the text; None if the function does not parse or its tree is too deep.
    """
    tree = parse(code)
    if tree is None:
        return None
    try:
        check_walkable(tree)
        return dump_tree(_Renamer(_own_names(tree)).visit(tree))
    except RecursionError:
        return None


def renamed_digest(code: str) -> str:
    """Return the sha256 of the renamed tree in hexadecimal; empty if there is no tree, see `renamed_tree`."""
    tree = renamed_tree(code)
    return digest_bytes(tree.encode()) if tree is not None else ""


def function_digests(code: str) -> tuple[str, ...]:
    """Return the digest of the renamed tree of each function in a source, ordered by last line.

    A function has the same digest at the top level, as a method (its first parameter is removed), and inside another
    function. Decorators, default values, annotations of variables, the kinds of its parameters, and whether it is async
    do not matter. A nested function or a method is included if it has at least 20 lexical tokens.
    """
    tree = parse(code)
    if tree is None:
        return ()
    found = sorted(_functions(code, tree), key=lambda node: (node.end_lineno or 0, -node.lineno))
    digests = []
    for node in found:
        alone = ast.Module([node], [])
        digests.append(digest_bytes(dump_tree(_Renamer(_own_names(alone)).visit(alone)).encode()))
    return tuple(digests)


def _functions(code: str, tree: ast.Module) -> Iterator[FunctionNode]:
    """Yield the functions to compare; a method is turned into a function."""
    try:
        check_walkable(tree)
    except RecursionError:
        return
    methods = {each for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for each in node.body}
    for node in ast.walk(tree):
        if not isinstance(node, FunctionNode):
            continue
        if node not in tree.body and len(lexical_tokens(ast.get_source_segment(code, node) or "")) < _LEAST_TOKENS:
            continue
        yield _plain(node, is_method=node in methods)


def _plain(node: FunctionNode, *, is_method: bool) -> FunctionNode:
    """Return a copy of a function that is not async and has no decorators, defaults and kinds of parameters.

    A method loses its first parameter (`self` or `cls`), unless it is static.
    """
    plain = copy.deepcopy(node)
    if isinstance(plain, ast.AsyncFunctionDef):
        plain = ast.copy_location(ast.FunctionDef(**dict(ast.iter_fields(plain))), plain)
    is_static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in plain.decorator_list)
    given = plain.args
    parameters = [*given.posonlyargs, *given.args][1 if is_method and not is_static else 0 :]
    plain.args = ast.arguments([], [*parameters, *given.kwonlyargs], given.vararg, [], [], given.kwarg, [])
    plain.decorator_list = []
    plain.body = [_WithoutAnnotations().visit(statement) for statement in plain.body]
    return plain


class _WithoutAnnotations(ast.NodeTransformer):
    """Removes annotations of variables. A variable that is only annotated becomes `pass`."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(ast.Assign([node.target], node.value) if node.value else ast.Pass(), node)
