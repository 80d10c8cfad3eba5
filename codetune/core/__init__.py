"""Basic tools that all other packages use: files, errors, parameters, worker processes."""
