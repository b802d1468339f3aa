"""What pictures are made of: canvas and axes, matrices, lanes on bases, and rows of values."""
