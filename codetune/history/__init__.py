"""Read from git and DVC: revisions, their reports, models and outputs, and the pipelines that run now."""
