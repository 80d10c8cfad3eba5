"""The data card: a page and plots that describe the data, made from the files of a run."""
