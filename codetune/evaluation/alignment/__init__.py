"""Which token of an answer BERTScore matched with which of the reference; computed in a process of its own."""
