"""The data card: the page and the pictures that tell what the data is, made from the files of a run."""
