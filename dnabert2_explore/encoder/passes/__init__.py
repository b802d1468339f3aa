"""Passes of the network: packed batches, masked positions, several readings."""
