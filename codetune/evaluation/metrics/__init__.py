"""Metrics that compare answers with references (BERTScore, chrF, BLEU, syntax trees), and intervals of their gains."""
