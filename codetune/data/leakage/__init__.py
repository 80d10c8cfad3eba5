"""Check that no held-out row was trained on: search train for the rows of val and test, and for benchmark tasks."""
