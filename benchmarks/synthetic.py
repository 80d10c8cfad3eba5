"""Generate millions of synthetic Python functions with planted duplicates, as the tables that `clean` reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from codetune.core.files import digest_bytes, stable_seed
from codetune.core.tables import stream_table
from codetune.python_source.functions import row_id
from codetune.schemas.raw import RAW_FILES, RAW_ROWS

# Of every twenty rows, three are copies of another row: one with a comment added, one with a variable renamed, and one
# with a statement added.
PERIOD = 20
COPIES = {1: "exact_duplicate", 6: "renamed_duplicate", 11: "near_duplicate"}
_GROUP_ROWS, _FILE_ROWS, _BODY = 500, 10, 3
_STATEMENTS = (
    "{a} = {f}({b}, {c})",
    "{a} = {b}.{m}({c})",
    "{a}[{b}] = {f}({c}.{m})",
    "if {a} in {b}.{m}:\n        {c} = {f}({a})",
    "for {a} in {f}({b}):\n        {c}.{m}({a})",
    "{a} = [{f}(each) for each in {b} if each.{m}]",
    "{a}, {b} = {c}.{m}({f})",
    "with {f}({a}) as {b}:\n        {c} = {b}.{m}()",
)


@cache
def _words() -> list[str]:
    syllables = [first + second for first in "bdfgklmnprstv" for second in "aeiou"]
    return [first + second + third for first in syllables for second in syllables for third in syllables[::9]]


def _statement(draw: random.Random, names: list[str]) -> str:
    words = _words()
    a, b, c = draw.sample(names, 3)
    return draw.choice(_STATEMENTS).format(a=a, b=b, c=c, f=draw.choice(words), m=draw.choice(words))


def _code(number: int, copy: str) -> tuple[str, str, str]:
    """Return name, docstring and code of a function. A copy is made from the same draws as its original."""
    draw = random.Random(stable_seed(1, str(number)))
    words = _words()
    name, *names = draw.sample(words, 7)
    said = f"{draw.choice(words).capitalize()} the {' '.join(draw.sample(words, 5))} of `{names[0]}`."
    body = [_statement(draw, names) for _ in range(_BODY)]
    if copy == "near_duplicate":
        said = f"{draw.choice(words).capitalize()} the {' '.join(draw.sample(words, 5))}."
        body.append(f"{names[1]} = {names[2]}")
    code = "\n    ".join(body)
    if copy == "renamed_duplicate":
        code = code.replace(names[0], f"{names[0]}_2")
        names[0] = f"{names[0]}_2"
    lines = [f"def {name}({', '.join(names[:3])}):", f'    """{said}"""', f"    {code}", f"    return {names[1]}"]
    if copy == "exact_duplicate":
        lines.insert(2, "    # the same again")
    return name, said, "\n".join(lines)


def _row(number: int) -> dict[str, Any]:
    copy = COPIES.get(number % PERIOD, "")
    name, said, code = _code(number - bool(copy), copy)
    group, path = f"pkg{number // _GROUP_ROWS}", f"module{number // _FILE_ROWS}.py"
    return {
        "id": row_id(group, path, name, code, number), "source": "synthetic", "group": group, "package": group,
        "version": "1", "license": "MIT", "license_evidence": "", "path": path, "kind": "function", "qualname": name,
        "start_line": 1, "end_line": code.count("\n") + 1, "signature": name, "docstring": said, "code": code,
    }  # fmt: skip


def _file(first: int) -> dict[str, Any]:
    rows = [_row(number) for number in range(first, first + _FILE_ROWS)]
    text = "\n\n\n".join(row["code"] for row in rows)
    place = {key: rows[0][key] for key in ("group", "package", "version", "license", "path")}
    return {**place, "sha256": digest_bytes(text.encode()), "text": text}


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield the first `count` rows; each depends only on its number."""
    return map(_row, range(count))


def write(folder: Path, count: int) -> None:
    """Write rows.parquet and files.parquet with `count` rows, a multiple of ten; few rows are in memory at a time."""
    stream_table(folder / "rows.parquet", rows(count), RAW_ROWS.arrow)
    stream_table(folder / "files.parquet", map(_file, range(0, count, _FILE_ROWS)), RAW_FILES.arrow)
