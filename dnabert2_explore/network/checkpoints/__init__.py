"""Checkpoints: read under their published names, checked, written with a card."""
