"""Encoders of text: where their files are, and sentence embeddings."""
