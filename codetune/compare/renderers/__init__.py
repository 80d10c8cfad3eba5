"""A comparison as text, Markdown, JSON and CSV."""
