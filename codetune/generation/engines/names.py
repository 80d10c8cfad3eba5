"""The names of the engines in params.yaml."""

from __future__ import annotations

from typing import Literal

EngineName = Literal["auto", "torch", "llama.cpp"]
