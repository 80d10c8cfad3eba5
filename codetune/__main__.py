"""`python -m codetune` is the same as `codetune`."""

from codetune.cli.main import main

if __name__ == "__main__":
    main()
