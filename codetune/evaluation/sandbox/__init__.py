"""Sandbox for untrusted code: each answer runs in its own isolated interpreter, without network or user files."""
