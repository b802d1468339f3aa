"""The motif gym: drop a motif into backgrounds, sweep how, and read what the model answers."""

from .designs import SWEEPS, Axis, Place
from .result import SHOWN, Sweep
from .run import marginalize
from .words import as_motif

__all__ = ["SHOWN", "SWEEPS", "Axis", "Place", "Sweep", "as_motif", "marginalize"]
