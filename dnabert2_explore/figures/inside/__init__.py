"""What a network computes, layer by layer: attention, dependencies, lens, features."""
