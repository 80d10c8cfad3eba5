"""Evaluation of answers: metrics, tests that are run, and checks of how well the metrics detect wrong answers."""
