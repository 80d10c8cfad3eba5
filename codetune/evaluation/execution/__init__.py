"""Execution of answers: models answer problems, the tests of the problems run, and pass rates are reported."""
