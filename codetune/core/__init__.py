"""What everything else rests on: files, errors, parameters, processes."""
