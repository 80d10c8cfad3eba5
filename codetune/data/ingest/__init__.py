"""From packages, folders, tables and hub data sets to raw rows."""
