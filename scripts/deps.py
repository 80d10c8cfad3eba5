"""Write the code that each stage reaches into dvc.yaml, as its imports tell: run as `python -m scripts.deps`.

A folder of which a stage reaches every module is named as a whole, with the files in it that are no code. What is
imported for type checking alone does not count; what is imported inside a function does.
"""

from __future__ import annotations

import re
from pathlib import Path

from codetune.core.imports import PROJECT as ROOT
from codetune.core.imports import import_closure

_STAGE = re.compile(r"^  (\w+):$", re.MULTILINE)
_CODE = re.compile(r"(?:^ +- (?:stages|codetune)/\S+\n)+", re.MULTILINE)


def code_of(stage: str) -> set[str]:
    """The files and folders of the library that a stage reaches, with its own file."""
    seen = import_closure([f"stages.{stage}"], ROOT)
    return {str(path.relative_to(ROOT)) for path in _as_folders(ROOT / "codetune", seen)} | {f"stages/{stage}.py"}


def _as_folders(folder: Path, reached: set[Path]) -> set[Path]:
    """The modules below a folder that are reached: each by itself, or folders of which all are."""
    folders = [path for path in folder.iterdir() if path.is_dir() and any(path.rglob("*.py"))]
    modules = set(folder.glob("*.py")) - {folder / "__init__.py"}
    named = {found for path in folders for found in _as_folders(path, reached)} | (modules & reached)
    if named == modules | set(folders):
        return {folder}
    return named | ({folder / "__init__.py"} & reached)


def with_code(pipeline: str) -> str:
    """The text of a dvc.yaml whose stages name the code that they reach; all else stays as it is."""
    first, *parts = _STAGE.split(pipeline)
    written = [first]
    for stage, text in zip(parts[::2], parts[1::2], strict=True):
        code = sorted(code_of(stage), key=lambda path: (not path.startswith("stages/"), path))
        lines = "".join(f"      - {path}\n" for path in code)
        found = _CODE.search(text)
        indent = len(found[0]) - len(found[0].lstrip()) if found else 0
        lines = lines.replace(" " * 6, " " * indent)
        written += [f"  {stage}:", _CODE.sub(lines, text, count=1)]
    return "".join(written)


def main() -> None:
    """Write dvc.yaml."""
    path = ROOT / "dvc.yaml"
    path.write_text(with_code(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
