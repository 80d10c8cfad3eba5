"""The tuned model as one folder that stands alone: merged weights, tokenizer, model card."""
