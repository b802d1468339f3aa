"""The motif gym: drop a motif into backgrounds, sweep how, and read what the model answers."""

from .designs import SWEEPS, Axis, Place
from .result import SHOWN, Sweep
from .run import marginalize

__all__ = ["SHOWN", "SWEEPS", "Axis", "Place", "Sweep", "marginalize"]
