"""Write the tuned model as GGUF: the LoRA adapter, merged models, and the checks of what was written."""
