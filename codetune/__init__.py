"""Fine-tune small code models reproducibly: from raw Python code to metrics that can be compared."""

__version__ = "0.2.0"
