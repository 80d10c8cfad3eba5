"""Fault campaigns: disturb the pipeline in many ways, and check that its results are the same afterwards.

`python -m scripts.faults CAMPAIGN` runs one of them on a small copy of the project. docs/reliability.md describes them.
"""
