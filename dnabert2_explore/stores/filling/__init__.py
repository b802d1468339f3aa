"""Filling a store: which windows, one chunk at a time, here or on a cluster."""
