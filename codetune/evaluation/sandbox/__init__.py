"""Running code that nobody has read: an isolated interpreter for each answer, and nothing that it could reach."""
