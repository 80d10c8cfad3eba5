"""The error for a model that GGUF cannot hold."""

from __future__ import annotations


class NotConvertibleError(Exception):
    """The model, its tokenizer or its adapter has no form in GGUF; the message is the reason, in one line."""
