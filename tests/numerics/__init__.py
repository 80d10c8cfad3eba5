"""The numerics that all stages share."""
