"""Alignment of the tokens of an answer with those of its reference by BERTScore, computed in a separate process."""
