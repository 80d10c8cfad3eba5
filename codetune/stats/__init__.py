"""Confidence intervals and significance tests for paired scores."""
