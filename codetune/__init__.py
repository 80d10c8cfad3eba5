"""codetune: reproducible fine-tuning of small code models, from raw Python code to a comparable metric."""

__version__ = "0.2.0"
