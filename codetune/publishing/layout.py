"""Where a Space has its models, relative to its folder. The page of the Space reads them from there."""

from __future__ import annotations

from pathlib import Path

BASE = Path("models/base")
TUNED = Path("models/export")
