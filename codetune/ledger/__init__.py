"""The ledger: what was decided about each raw row, and what changed between two revisions."""
