"""What runs inside the sandbox, with nothing but the standard library: no file here may import from elsewhere."""
