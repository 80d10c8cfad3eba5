"""Fixtures of projects with models."""

from tests.support.model_revisions import models
from tests.support.sample_project import sample

__all__ = ["models", "sample"]
