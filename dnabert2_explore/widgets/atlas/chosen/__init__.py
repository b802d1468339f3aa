"""What a lasso holds: why these sequences, their words and motifs, and where they go."""
