"""The proof that what is measured was not trained on: train, val and test examined once more, row by row."""
