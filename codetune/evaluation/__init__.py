"""What is made of answers before they are measured."""
