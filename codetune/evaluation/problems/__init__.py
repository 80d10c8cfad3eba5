"""Problems with tests: held-out functions with their examples, and benchmarks; nothing is run here."""
