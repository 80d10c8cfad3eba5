"""Cards and plots: what a person reads of a run."""
