"""The motif gym: marginalization by planting motifs into backgrounds."""
