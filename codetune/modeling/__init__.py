"""Loading a causal language model with its tokenizer, and adapters on top of it."""
