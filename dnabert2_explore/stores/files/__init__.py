"""Vectors in files that other programs read."""
