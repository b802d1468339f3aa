"""Motifs: logos, hits on a sequence, the report of a discovery."""
