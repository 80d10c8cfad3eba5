"""LoRA fine-tuning: rows to examples, the adapter, the training loop."""
