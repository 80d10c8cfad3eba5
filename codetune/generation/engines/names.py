"""The names of the engines in params.yaml."""

from __future__ import annotations

from typing import Literal, get_args

EngineName = Literal["auto", "torch", "llama.cpp"]
ENGINE_NAMES: tuple[EngineName, ...] = get_args(EngineName)
