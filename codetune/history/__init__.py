"""Revisions of the project side by side: what each reported, what differs, and whether the difference is noise."""
