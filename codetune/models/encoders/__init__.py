"""Text encoders: the location of their files, and sentence embeddings."""
