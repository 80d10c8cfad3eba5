"""Print random train rows, so that a person can check whether each can be answered from its instruction alone.

Run as `python -m scripts.read_rows [--rows 200] [--seed 1] [--from 0] [FILE]`. The same seed prints the same rows.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from codetune.core.files import read_jsonl, stable_seed


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description="print random rows for a person to check")
    parser.add_argument("file", nargs="?", type=Path, default=Path("data/clean/train.jsonl"))
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of rows to skip")
    asked = parser.parse_args()
    rows = sorted(read_jsonl(asked.file), key=lambda row: stable_seed(asked.seed, "read", row["id"]))
    for number, row in enumerate(rows[asked.first : asked.rows], start=asked.first):
        title = f"{number} {row['id']} {row['package']} {row['qualname']}"
        sys.stdout.write(f"{'=' * 80}\n{title}\n{row['instruction']}\n{'-' * 40}\n{row['completion']}\n")


if __name__ == "__main__":
    main()
