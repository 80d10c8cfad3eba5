"""Data card, model card and plots of a run, for people to read."""
