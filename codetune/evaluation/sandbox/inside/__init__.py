"""Code that runs inside the sandbox. Its files may import only the standard library and each other."""
