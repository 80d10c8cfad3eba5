"""Engines: programs that generate answers from a base model and its adapters, behind one protocol."""
