"""Write the code that each stage imports into dvc.yaml: run as `python -m scripts.deps`.

If a stage imports every module of a folder, the folder itself is listed, which includes its data files. Imports for
type checking alone do not count. Imports inside functions count.
"""

from __future__ import annotations

import re
from pathlib import Path

from codetune.core.imports import PROJECT as ROOT
from codetune.core.imports import import_closure

_STAGE = re.compile(r"^  (\w+):$", re.MULTILINE)
_CODE = re.compile(r"(?:^ +- (?:stages|codetune)/\S+\n)+", re.MULTILINE)


def code_of(stage: str) -> set[str]:
    """Return the files and folders of the library that a stage imports, directly or not, and the stage's own file."""
    seen = import_closure([f"stages.{stage}"], ROOT)
    return {str(path.relative_to(ROOT)) for path in _as_folders(ROOT / "codetune", seen)} | {f"stages/{stage}.py"}


def _as_folders(folder: Path, reached: set[Path]) -> set[Path]:
    """Return the imported modules below a folder; a folder whose modules are all imported is listed itself."""
    folders = [path for path in folder.iterdir() if path.is_dir() and any(path.rglob("*.py"))]
    modules = set(folder.glob("*.py")) - {folder / "__init__.py"}
    named = {found for path in folders for found in _as_folders(path, reached)} | (modules & reached)
    if named == modules | set(folders):
        return {folder}
    return named | ({folder / "__init__.py"} & reached)


def with_code(pipeline: str) -> str:
    """Return the text of dvc.yaml with the code that each stage imports; everything else stays unchanged."""
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
