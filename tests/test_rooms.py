"""The rooms of the library: which may import which. ARCHITECTURE.md has the picture."""

import pytest

from codetune.core.imports import PROJECT as ROOT
from codetune.core.imports import imported_modules, module_file

# From the ground up: a room imports from rooms that stand before it, and from no other.
ROOMS = (
    *["core", "stats", "numerics", "python_source", "schemas", "models", "generation", "export", "data", "training"],
    *["evaluation", "reporting", "history", "ledger", "compare", "serving", "publishing", "app", "cli"],
)
LIBRARY = ROOT / "codetune"


def room(path):
    """The room of a module: the folder of the library that it lies in."""
    return path.relative_to(LIBRARY).parts[0]


def imports_of(name):
    """Modules that those of a room import from other rooms, as `module -> module`."""
    for path in sorted((LIBRARY / name).rglob("*.py")):
        for found in filter(None, map(module_file, imported_modules(path, type_checking=True))):
            if found != LIBRARY / "__init__.py" and room(found) != name:
                yield path.relative_to(ROOT), found


def test_the_rooms_are_those_of_the_library():
    folders = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(ROOMS)
    assert {path.name for path in LIBRARY.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_from_lower_rooms_only(name):
    lower = ROOMS[: ROOMS.index(name)]
    upward = [f"{path} -> {found.relative_to(ROOT)}" for path, found in imports_of(name) if room(found) not in lower]
    assert not upward


def test_the_parts_of_a_room_do_not_import_each_other_in_a_circle():
    for name in ("data", "evaluation"):
        arrows = {
            (path.parent, found.parent)
            for path in sorted((LIBRARY / name).rglob("*.py"))
            for found in filter(None, map(module_file, imported_modules(path, type_checking=True)))
            if found.is_relative_to(LIBRARY / name) and found.parent != path.parent and found.name != "__init__.py"
        }
        pending = {folder for arrow in arrows for folder in arrow}
        while free := {folder for folder in pending if not any(a == folder and b in pending for a, b in arrows)}:
            pending -= free
        assert not pending, f"a circle among {sorted(map(str, pending))}"
