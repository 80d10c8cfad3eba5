"""What becomes of the data: from packages to rows, from rows to instructions, and paraphrases of them."""
