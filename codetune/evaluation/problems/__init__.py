"""Problems with tests: held-out functions with their doctest examples, and benchmarks. No code of them is run here."""
