"""Answers for every raw row from the ledger: a row's life, and what changed between two revisions."""
