"""Motifs: as matrices, from files and from JASPAR, planted into sequences."""
