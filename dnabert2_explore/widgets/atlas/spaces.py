"""The vectors an atlas can lay out: the model's, its untrained twin's, 4-mers, and residuals."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Sequence as Items
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...analysis.enrichment.strata import upper
from ...analysis.maps import remove_composition
from ...encoder import Encoder
from ...encoder.twin import random_twin
from ...sequences.kmers import kmer_frequencies

__all__ = ["SPACES", "Spaces"]

#: What the menu offers: words and name.
SPACES = (
    ("model", "model"),
    ("model, GC removed", "gc"),
    ("model, 4-mers removed", "4-mers"),
    ("untrained twin", "twin"),
    ("4-mers", "kmers"),
)
_CHUNK = 8  # sequences per hold of the network: other views wait no longer than this takes
_Key = tuple[str, int | None, str]
# Embeddings of a model, by bases, layer and pooling: two atlases do not compute them twice.
_known: WeakKeyDictionary[Encoder, dict[_Key, NDArray[np.float32]]] = WeakKeyDictionary()
# One twin a model, for all atlases.
_twins: WeakKeyDictionary[Encoder, Encoder] = WeakKeyDictionary()


class Spaces:
    """Vectors of sequences, kept once they are computed.

    Parameters
    ----------
    enc : Encoder
    """

    def __init__(self, enc: Encoder) -> None:
        self.enc = enc
        self._last: tuple[object, NDArray[np.float32]] = ((), np.empty((0, 0), np.float32))

    def _encoder(self, space: str) -> Encoder | None:
        if space == "kmers":
            return None
        if space != "twin":
            return self.enc
        if self.enc not in _twins:
            _twins[self.enc] = random_twin(self.enc)
        return _twins[self.enc]

    def ready(self, space: str, texts: Items[str], layer: int | None, pooling: str) -> bool:
        """Whether `vectors` will not have to compute embeddings."""
        enc = self._encoder(space)
        if enc is None:
            return True
        known = _known.setdefault(enc, {})
        return all((text, layer, pooling) in known for text in texts)

    def fill(
        self,
        space: str,
        texts: Items[str],
        layer: int | None,
        pooling: str,
        progress: Callable[[int, int], None],
        most: float = float("inf"),
    ) -> float:
        """Compute what is missing.

        Returns
        -------
        float
            0, or the seconds it would take where that is more than `most`: then little is done.
        """
        enc = self._encoder(space)
        if enc is None:
            return 0.0
        known = _known.setdefault(enc, {})
        missing = [text for text in dict.fromkeys(texts) if (text, layer, pooling) not in known]
        # The work of this thread: other views that compute at once must not make it look dear.
        began = time.thread_time()
        for start in range(0, len(missing), _CHUNK):
            progress(start, len(missing))
            part = missing[start : start + _CHUNK]
            vectors = enc.embed(part, pooling=pooling, layer=layer)
            known.update(((t, layer, pooling), v) for t, v in zip(part, vectors, strict=True))
            done = start + len(part)
            if not start:  # the first pass warms up, and tells nothing of the others
                began = time.thread_time()
                continue
            expected = (time.thread_time() - began) / (done - _CHUNK) * len(missing)
            if expected > most and done < len(missing):
                return expected
        return 0.0

    def vectors(
        self, space: str, texts: tuple[str, ...], layer: int | None, pooling: str
    ) -> NDArray[np.float32]:
        """Return the vectors of sequences, shape (n, hidden); fill them first."""
        key = space, texts, layer, pooling
        if key != self._last[0]:
            self._last = key, self._made(space, texts, layer, pooling)
        return self._last[1]

    def _made(
        self, space: str, texts: tuple[str, ...], layer: int | None, pooling: str
    ) -> NDArray[np.float32]:
        enc = self._encoder(space)
        if enc is None:
            return kmer_frequencies(upper(texts), 4)
        known = _known[enc]
        rows = np.stack([known[text, layer, pooling] for text in texts])
        if space in ("gc", "4-mers") and len(rows) >= 10:
            return remove_composition(rows, list(texts), space)
        return rows

    def words(self, space: str, layer: int | None, pooling: str) -> str:
        """Say what the vectors are, for a caption."""
        if space == "kmers":
            return "frequencies of 4-mers"
        of = "the embeddings" if layer == 0 else f"layer {layer}"
        if layer is None:
            several = self.enc.embedding_layers
            of = f"layers {', '.join(map(str, several[:-1]))} and {several[-1]}, side by side"
        text = f"{pooling} over the tokens of {of}"
        return {
            "twin": f"{text} of a twin with random weights",
            "gc": f"{text}, less what GC content predicts of it",
            "4-mers": f"{text}, less what 4-mers predict of it",
        }.get(space, text)
