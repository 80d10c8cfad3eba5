"""Where models come from: the catalogue, fetching, and reading GGUF files."""
