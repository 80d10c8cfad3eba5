"""Two revisions compared, and many in one table: differences, tests, sentences, files."""
