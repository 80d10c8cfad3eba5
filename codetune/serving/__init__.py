"""Answering one question at once with one model or several: what the page does."""
