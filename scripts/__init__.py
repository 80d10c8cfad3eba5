"""Commands for developers: setting up, locking, checking; `make` calls them."""

import sys

if sys.version_info < (3, 8):  # noqa: UP036  (any Python may begin the set-up)
    sys.stderr.write(
        "error: python3 is {}.{}; the set-up needs 3.8 or newer. Install one\n".format(*sys.version_info[:2])
    )
    sys.exit(2)
