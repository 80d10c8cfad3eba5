"""What `make bench` runs: ratios against the plain use of a library, both sides in turn within one run."""
