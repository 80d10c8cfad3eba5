"""Tiny models, as the export sees them."""

from tests.export.gguf.conftest import make_loaded, tiny

__all__ = ["make_loaded", "tiny"]
