"""Sparse autoencoders: directions of hidden states, few at a token, each beside its nulls."""

from .autoencoder import Features, load
from .enriched import FeatureEnrichment
from .readings import EDGE, FeatureReadings
from .training import train, training_cost

__all__ = [
    "EDGE",
    "FeatureEnrichment",
    "FeatureReadings",
    "Features",
    "load",
    "train",
    "training_cost",
]
