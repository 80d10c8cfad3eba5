"""Benchmarks, run by `make bench`. Each compares our code with the plain use of a library, in turns in one run."""
