"""The pages of the web app, one file for each page."""
