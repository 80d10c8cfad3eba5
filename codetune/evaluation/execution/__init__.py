"""Does an answer work? Problems with tests, verdicts on answers, and the share that passes."""
