"""Write a comparison as text, Markdown, JSON or CSV."""
