"""Commands for developers: setting up, locking, checking; `make` calls them."""
