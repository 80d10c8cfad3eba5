"""Fixtures of the sample project, for tests that read its revisions."""

from tests.support.model_revisions import copied_models, models
from tests.support.sample_project import copied_sample, executed_sample, sample

__all__ = ["copied_models", "copied_sample", "executed_sample", "models", "sample"]
