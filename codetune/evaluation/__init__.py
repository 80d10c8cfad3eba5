"""How good answers are: metrics, tests that are run, and what the metrics are worth."""
