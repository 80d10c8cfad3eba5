"""The fixture of the sample project, for the fuzz tests."""

from tests.support.sample_project import sample

__all__ = ["sample"]
