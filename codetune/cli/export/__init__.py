"""`codetune export …`: hand over the exported model."""
