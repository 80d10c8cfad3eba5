"""From pinned packages to rows: fetching wheels, reading them in memory, extracting documented functions."""
