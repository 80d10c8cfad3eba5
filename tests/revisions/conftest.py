"""The sample project, for tests of what is read from it."""

from tests.sample_project import copied_sample, sample

__all__ = ["copied_sample", "sample"]
