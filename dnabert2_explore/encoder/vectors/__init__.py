"""Vectors of sequences: pooled, cached, windows of long ones."""
