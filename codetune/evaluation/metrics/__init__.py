"""Scores of answers against references: BERTScore, chrF, BLEU, syntax, and the uncertainty of their differences."""
