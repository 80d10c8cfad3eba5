"""The tuned model as one folder that stands alone."""
