"""Models and encoders: the catalogue, fetching, GGUF files, loading, and the prompt."""
