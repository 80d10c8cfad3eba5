"""The embedded base model from scratch: tokenizer, packing, training loop, provenance."""
