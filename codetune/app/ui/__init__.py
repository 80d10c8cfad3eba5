"""Parts that the pages are composed of."""
