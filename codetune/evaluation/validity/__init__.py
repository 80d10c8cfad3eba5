"""Do the metrics mean anything for code? Programs that work the same and programs that do not, told apart or not."""
