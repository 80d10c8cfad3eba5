"""Read raw rows from packages, folders, tables and data sets of a hub."""
