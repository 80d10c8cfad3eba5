"""Compare two revisions, or show many in one table: differences, statistical tests, sentences and output files."""
