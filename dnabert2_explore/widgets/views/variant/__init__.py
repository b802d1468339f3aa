"""The variant view, and where in the network an effect is carried."""
