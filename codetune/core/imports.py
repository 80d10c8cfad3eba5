"""Find all project files that a module needs: its own file and those of the modules that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
"""The folder that holds `codetune` and `stages`."""
_PACKAGES = frozenset({"codetune", "stages"})


def imported_modules(path: Path, *, type_checking: bool = False) -> set[str]:
    """Return the names of the project modules that a file imports, at the top level or inside functions.

    The result can also contain names of functions and classes, because `from module import name` looks the same for
    both.

    :param type_checking: whether to include imports under `if TYPE_CHECKING:`.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in _nodes(tree, type_checking=type_checking):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in _PACKAGES}


def _nodes(node: ast.AST, *, type_checking: bool) -> Iterator[ast.AST]:
    """Yield all nodes of a tree; without `type_checking`, skip the bodies of `if TYPE_CHECKING:`."""
    yield node
    skipped: list[ast.stmt] = []
    if not type_checking and isinstance(node, ast.If) and _is_type_checking(node.test):
        skipped = node.body
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield from _nodes(child, type_checking=type_checking)


def _is_type_checking(test: ast.expr) -> bool:
    """Return whether a condition is `TYPE_CHECKING` or `typing.TYPE_CHECKING`."""
    return "TYPE_CHECKING" in {getattr(test, "id", None), getattr(test, "attr", None)}


def module_file(name: str, project: Path = PROJECT) -> Path | None:
    """Return the file of a project module or package, or None if `name` is neither."""
    place = project / name.replace(".", "/")
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def import_closure(modules: Iterable[str], project: Path = PROJECT) -> set[Path]:
    """Return the files of modules and of all project modules that they import or run, directly or indirectly.

    The `__init__.py` files of the imported modules' packages are included, unless they hold only a docstring and the
    version.

    :param modules: names such as `stages.train`.
    :param project: the folder that contains the packages.
    :raises ValueError: if a name is not a module of the project (a programming error).
    """
    found: set[Path] = set()
    for name in modules:
        path = module_file(name, project)
        if path is None:
            raise ValueError(f"{name} is not a module of {project}")
        found.add(path)
    pending = list(found)
    while pending:
        path = pending.pop()
        for reached in _imported_files(path, path.stat().st_mtime_ns, project):
            if reached not in found:
                found.add(reached)
                pending.append(reached)
    return found


@cache
def _imported_files(path: Path, _changed: int, project: Path) -> frozenset[Path]:
    """Return the files of the modules that a file imports or runs as a program.

    :param _changed: the modification time of the file in nanoseconds, part of the cache key.
    """
    split = [name.split(".") for name in imported_modules(path)]
    names = {".".join(parts[:end]) for parts in split for end in range(1, len(parts) + 1)}
    files = {file for name in names if (file := module_file(name, project))}
    used = {file for file in files if file.name != "__init__.py" or _does_something(file)}
    return frozenset(used | programs(path))


def programs(path: Path) -> set[Path]:
    """Return the modules beside a module that it runs as programs: it names them with `with_name("….py")`."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    names = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "with_name" and call.args
        if isinstance(call.args[0], ast.Constant) and str(call.args[0].value).endswith(".py")
    }
    return {path.with_name(str(name)) for name in names}


def _does_something(package: Path) -> bool:
    """Return whether the `__init__.py` of a package holds more than a docstring and the version."""
    tree = ast.parse(package.read_text(encoding="utf-8"))
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    return any("__version__" not in ast.unparse(node) for node in body)
