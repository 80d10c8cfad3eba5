"""Read GGUF files: header, configuration, weights and tokenizer."""
