"""The vectors an atlas can lay out: the model's, its untrained twin's, 4-mers, and residuals."""

from __future__ import annotations

import time
from collections.abc import Sequence as Items
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ....analysis.maps import remove_composition
from ....common.names import Pooling
from ....common.progress import Progress
from ....encoder import Encoder
from ....encoder.loading.twin import random_twin
from ....sequences import as_dna
from ....sequences.kmers import kmer_frequencies
from ....stores import EmbeddedSequences

__all__ = ["GIVEN", "SPACES", "Spaces", "layer_name"]

#: The space of vectors that came with the sequences.
GIVEN = "given"

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


def layer_name(number: int) -> str:
    """Name a layer, 0 the embeddings."""
    return f"layer {number}" if number else "layer 0, the embeddings"


class Spaces:
    """Vectors of sequences, kept once they are computed.

    Those of `given` exist already, for the space ``"given"``; of equal sequences the first one's
    stands for all.
    """

    def __init__(self, enc: Encoder, given: EmbeddedSequences | None = None) -> None:
        self.enc = enc
        self.given = given
        self._rows: dict[str, NDArray[np.float32]] = {}
        if given is not None:
            for one, row in zip(given.sequences, given.vectors, strict=True):
                self._rows.setdefault(one.bases, row)
        #: What a sequence took to embed when that was last seen, by this thread's clock.
        self.seconds_each = 0.0
        self._last: tuple[object, NDArray[np.float32]] = ((), np.empty((0, 0), np.float32))

    def _encoder(self, space: str) -> Encoder | None:
        if space == "kmers":
            return None
        if space != "twin":
            return self.enc
        if self.enc not in _twins:
            _twins[self.enc] = random_twin(self.enc)
        return _twins[self.enc]

    def ready(self, space: str, texts: Items[str], layer: int | None, pooling: Pooling) -> bool:
        """Whether `vectors` will not have to compute embeddings."""
        if space == GIVEN:
            return not self._can_add or all(text in self._rows for text in texts)
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
        pooling: Pooling,
        progress: Progress,
        most: float = float("inf"),
    ) -> float:
        """Compute what is missing, and return 0.

        Or return the seconds it would take where that is more than `most`: then little is done.
        """
        if space == GIVEN:
            return self._add([t for t in dict.fromkeys(texts) if t not in self._rows], progress)
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
            self.seconds_each = (time.thread_time() - began) / (done - _CHUNK)
            expected = self.seconds_each * len(missing)
            if expected > most and done < len(missing):
                return expected
        return 0.0

    def begin(
        self,
        space: str,
        texts: Items[str],
        layer: int | None,
        pooling: Pooling,
        progress: Progress,
        most: float,
    ) -> int:
        """Compute what is missing of all, or of as many as take `most` seconds.

        Returns how many of `texts`, from the first, are there.
        """
        if not self.fill(space, texts, layer, pooling, progress, most):
            return len(texts)
        missing = [i for i, t in enumerate(texts) if not self.ready(space, [t], layer, pooling)]
        n = [*missing, len(texts)][min(int(most / self.seconds_each), len(missing))]
        self.fill(space, texts[:n], layer, pooling, progress)
        return n

    @property
    def _can_add(self) -> bool:
        """Whether the model at hand is the one that made the given vectors."""
        given = self.given
        return (
            given is not None
            and bool(given.weights_sha256)
            and given.weights_sha256 == self.enc.weights_sha256
            and given.vectors.shape[1] == self.enc.embedding_size
        )

    def _add(self, texts: list[str], progress: Progress) -> float:
        """Embed what is not among the given sequences, where their model is at hand."""
        for start in range(0, len(texts) if self._can_add else 0, _CHUNK):
            progress(start, len(texts))
            part = texts[start : start + _CHUNK]
            self._rows.update(zip(part, self.enc.embed(part), strict=True))
        return 0.0

    def vectors(
        self, space: str, texts: tuple[str, ...], layer: int | None, pooling: Pooling
    ) -> NDArray[np.float32]:
        """Return the vectors of sequences, shape (n, hidden); fill them first."""
        key = space, texts, layer, pooling
        if key != self._last[0]:
            self._last = key, self._made(space, texts, layer, pooling)
        return self._last[1]

    def _made(
        self, space: str, texts: tuple[str, ...], layer: int | None, pooling: Pooling
    ) -> NDArray[np.float32]:
        if space == GIVEN:
            assert self.given is not None
            unknown = np.full(self.given.vectors.shape[1], np.nan, np.float32)
            return np.stack([self._rows.get(text, unknown) for text in texts])
        enc = self._encoder(space)
        if enc is None:
            return kmer_frequencies([as_dna(text) for text in texts], 4)
        known = _known[enc]
        rows = np.stack([known[text, layer, pooling] for text in texts])
        if space in ("gc", "4-mers") and len(rows) >= 10:
            return remove_composition(rows, list(texts), space)
        return rows

    def layers(
        self, space: str, texts: Items[str], pooling: Pooling, progress: Progress
    ) -> dict[str, NDArray[np.float32]]:
        """Compute the vectors of every layer, (n, hidden) each, of which one pass gives all."""
        enc = self._encoder(space)
        assert enc is not None
        numbers = list(range(enc.config.num_hidden_layers + 1))
        known = _known.setdefault(enc, {})
        missing = [
            t for t in dict.fromkeys(texts) if any((t, i, pooling) not in known for i in numbers)
        ]
        for start in range(0, len(missing), _CHUNK):
            progress(start, len(missing))
            part = missing[start : start + _CHUNK]
            vectors = enc.embed(part, pooling=pooling, layer=numbers)
            for text, each in zip(part, vectors, strict=True):
                known.update(((text, i, pooling), each[i]) for i in numbers)
        return {layer_name(i): np.stack([known[t, i, pooling] for t in texts]) for i in numbers}

    def words(self, space: str, layer: int | None, pooling: Pooling) -> str:
        """Say what the vectors are, for a caption."""
        if space == GIVEN:
            assert self.given is not None
            return f"vectors of {self.given.about}"
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
