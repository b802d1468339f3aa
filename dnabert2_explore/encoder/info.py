"""What a model is and how it runs, in a line."""

from __future__ import annotations

from dataclasses import dataclass

from ..results.rich_display import RichDisplay

__all__ = ["ModelInfo"]


@dataclass(frozen=True, slots=True, repr=False)
class ModelInfo(RichDisplay):
    """What a model is and how it runs; `str` of it is the line that every view shows.

    Attributes
    ----------
    name : str
    path : str
        Folder it was loaded from; empty if from none.
    parameters, layers, heads, hidden, vocabulary : int
        Weights in all, layers, heads in a layer, width of a state, entries of the vocabulary.
    classes : tuple of str
        Of its head, in the order of `Encoder.predict`'s columns; empty without one.
    dtype, attention, device : str
        Number type, attention backend, and where it computes.
    sha256 : str
        Digest of the weights' file; empty if there is none, or another than was loaded.
    """

    name: str
    path: str
    parameters: int
    layers: int
    heads: int
    hidden: int
    vocabulary: int
    classes: tuple[str, ...]
    dtype: str
    attention: str
    device: str
    sha256: str

    def __str__(self) -> str:
        millions = self.parameters / 1e6
        size = f"{millions:.0f} M" if millions >= 10 else f"{millions:.1f} M"
        return f"{self.name} · {size} parameters · {self.dtype} · {self.attention} · {self.device}"
