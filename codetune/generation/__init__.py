"""Generate answers to prompts: many in a batch, or one as a stream of tokens."""
