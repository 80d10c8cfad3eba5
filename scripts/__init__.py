"""Commands for developers: set-up, locks, checks. `make` calls them."""

import sys

if sys.version_info < (3, 8):  # noqa: UP036  (the user may start the set-up with any Python)
    sys.stderr.write(
        "error: python3 is {}.{}; the set-up needs 3.8 or newer. Install a newer Python\n".format(*sys.version_info[:2])
    )
    sys.exit(2)
