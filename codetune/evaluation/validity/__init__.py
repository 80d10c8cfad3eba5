"""Validity of the metrics: whether they give higher scores to programs that work than to programs that do not."""
