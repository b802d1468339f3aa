"""Genomes as a corpus: species, stretches, windows, rows of token ids."""
