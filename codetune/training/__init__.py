"""LoRA fine-tuning: training examples, the adapter, and the training loop."""
