"""What the embedded base model is worth: bits per byte beside compressors, and whether its functions are Python."""
