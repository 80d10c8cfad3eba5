"""Models and encoders: the catalogue of known models, download, GGUF files, loading, and the prompt."""
