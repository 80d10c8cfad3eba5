"""Answers of a model to prompts: in batches for the evaluation, streamed for the web page."""
