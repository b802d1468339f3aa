"""Faults of GUE's own splits, found and written down."""
