"""Benchmark files in the formats of HumanEval and MBPP."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from codetune.errors import UserError
from codetune.leakage.examine import Text

_REMEDY = (
    "Name a file in the format of HumanEval (prompt, canonical_solution) or MBPP (text, code) in examine.benchmarks."
)


def read_benchmark(path: Path) -> list[Text]:
    """The solutions of a benchmark, one per task.

    :raises UserError: when the file is missing, is not JSON lines, or has neither format; the line is named.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except FileNotFoundError:
        raise UserError(f"examine.benchmarks: {path} does not exist", _REMEDY) from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"examine.benchmarks: {path} cannot be read: {error}", _REMEDY) from None
    return [_task(path, number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def _task(path: Path, number: int, line: str) -> Text:
    try:
        task: dict[str, Any] = json.loads(line)
        name = str(task["task_id"])
        if "canonical_solution" in task:
            return Text(name, task["prompt"] + task["canonical_solution"])
        return Text(name, task["code"], str(task.get("text") or task.get("prompt") or ""))
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"{path}:{number} is no benchmark task: {error!r}", _REMEDY) from None
