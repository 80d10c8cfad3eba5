"""Read docs/tour.ipynb."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[2] / "docs/tour.ipynb"
_COMMAND = re.compile(r"^ *!((?:.*\\\n)*.*)$", re.MULTILINE)


def cells(kind: str | None = None) -> list[dict[str, Any]]:
    """Return the cells of the notebook, all or those of one type."""
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in content if kind in {None, cell["cell_type"]}]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def as_markdown() -> str:
    """Return the notebook as a page: its texts, and the commands of its code cells as blocks."""
    parts = []
    for cell in cells():
        if cell["cell_type"] == "markdown":
            parts.append(source(cell))
        else:
            commands = "\n".join(_COMMAND.findall(source(cell)))
            parts.append(f"```bash\n{commands}\n```")
    return "\n\n".join(parts) + "\n"
