"""The web page: one short file for each page, without logic; what it shows comes from the rest of the library."""
