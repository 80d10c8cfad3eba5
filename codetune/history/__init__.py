"""What git and DVC know: revisions, their reports, models and outputs, and what runs now."""
