"""The command line, and the checks of params.yaml as a whole."""
