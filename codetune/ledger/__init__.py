"""What became of every raw row, and what changed between two revisions."""
