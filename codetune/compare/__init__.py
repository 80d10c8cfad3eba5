"""Two revisions side by side: `python -m codetune compare` and the downloads of the page, from any clone."""
