"""The commands of the terminal, and the check of the whole params.yaml."""
