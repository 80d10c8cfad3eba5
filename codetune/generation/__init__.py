"""Answers of a model to prompts: many at once, or one as it is written."""
