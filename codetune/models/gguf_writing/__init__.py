"""Write GGUF files: the storage of tensors, and LoRA adapters."""
