"""Export the tuned model as one folder that works without the base model and the adapter."""
