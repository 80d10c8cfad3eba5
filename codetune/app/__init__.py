"""The web page. Each page is one short file without logic; the rest of the library computes what it shows."""
