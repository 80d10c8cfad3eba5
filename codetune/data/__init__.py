"""The data of a run: read rows from sources, filter them into instructions, paraphrase them, check for leakage."""
