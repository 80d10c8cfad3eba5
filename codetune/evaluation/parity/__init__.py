"""The parity of exported models: the same prompts, answered by torch and by llama.cpp from the exported files."""
