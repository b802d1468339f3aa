"""A model that reads sequences: tokenize, embed, read hidden states, predict."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..common.costs import says_cost
from ..common.kinds import checked
from ..common.names import Pooling
from ..common.progress import Progress
from ..errors import InputError, warn
from ..results.origins import recorded
from ..sequences import Sequence, clean
from ..tokens import Tokens
from .inputs import bases_of, cleaned, far_lengths, listed, texts_of, tokens_of
from .model import Bases, Model
from .onehot import OneHotModel, Output
from .passes.batches import budget_of
from .passes.finite import check_finite
from .passes.masked import masked_passes
from .passes.projections import projections
from .passes.readings import Readings
from .vectors.cached import embed_texts
from .vectors.long import LongEmbedding, embed_long
from .vectors.windows import WindowEmbedder

if TYPE_CHECKING:
    from distributed import Client

    from ..stores import Summary

__all__ = ["Encoder"]


class Encoder(Model):
    """A DNABERT-2 with its tokenizer, on a device. Make one with `load`.

    Parameters
    ----------
    network : Dnabert2PreTrainedModel
        With or without a head; put in eval mode.
    tokenizer : DnaTokenizer
    name : str
        What views call the model.
    checkpoint : Checkpoint, optional
        Where it came from.
    cache : VectorCache, optional
        Keeps what `embed` computes for the next time. Not used while the network is not what its
        file holds (trained, edited, hooked into).
    source : str, optional
        What `load` was given: a name, a hub id, or a folder. By default `name`.
    """

    @recorded
    @says_cost
    def embed(
        self,
        sequences: Bases | Iterable[Bases],
        *,
        pooling: Pooling = "mean",
        layer: int | Iterable[int] | None = None,
        strands: str | None = None,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Embed sequences, one vector each.

        Parameters
        ----------
        sequences : str, Sequence, or iterable of them
        pooling : {"mean", "max", "cls"}
            Over the tokens of the sequence; [CLS] and [SEP] are left out of mean and max. [CLS]
            carries no meaning before fine-tuning.
        layer : int or iterable of int, optional
            0 is the embeddings, 1 … layers the layers' outputs; negative counts from the last.
            Several layers cost one pass. By default the last one, or what the model's config.json
            says (``embedding_layers``): the vectors of those layers side by side.
        strands : {"one", "both"}, optional
            The sequence as given, or the mean of its vector and of its reverse complement's (of
            "max", the larger of each two), which costs twice as much. By default what the model's
            config.json says (``embedding_strands``; "one" where it says nothing).
        batch_tokens : int, optional
            Tokens in one forward pass, which sees no padding; less takes less memory. By default
            1,024 on a CPU and 65,536 on a GPU. Halved, with a warning, when memory runs out, and
            left so.
        progress : callable, optional
            Called as progress(sequences done, sequences in all).

        Returns
        -------
        numpy.ndarray, float32
            Shape (n, `embedding_size`), (n, hidden) if `layer` is a number, or (n, layers, hidden)
            if it is an iterable; in the order given.

        Raises
        ------
        InputError
            If there is nothing to embed, a sequence is empty or too long for the memory, pooling
            or layer is unknown, or a value is NaN or infinite.
        """
        layers = self.find_layers(
            self.embedding_layers if layer is None else layer, pooling=pooling
        )
        both, budget = self._embeds_both(strands), budget_of(self, batch_tokens)
        vectors = embed_texts(self, listed(sequences), pooling, layers, both, budget, progress)
        if layer is None:
            return vectors.reshape(len(vectors), -1)
        return vectors if isinstance(layer, Iterable) else vectors[:, 0]

    def _embeds_both(self, strands: str | None) -> bool:
        """Whether both strands are embedded: as asked, or as the model's config.json says."""
        asked = self.config.embedding_strands if strands is None else strands
        return Readings(asked).strands == "both"

    @recorded
    @says_cost
    def embed_long(
        self,
        bases: Bases,
        *,
        window: int = 10_000,
        overlap: int = 1_000,
        pooling: Pooling = "mean",
        layer: int | Iterable[int] | None = None,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> LongEmbedding:
        """Embed one sequence of any length in overlapping windows.

        `embed` reads a sequence as a whole, in time that grows with the square of its length. This
        reads windows, in time that grows with the length; tokens do not attend beyond theirs.

        Parameters
        ----------
        bases : str or Sequence
        window, overlap : int
            In bases. A sequence no longer than `window` is read as a whole.
        pooling : {"mean", "max"}
            Within a window, and over the windows.
        layer, batch_tokens, progress
            As in `embed`, of several layers side by side; progress counts windows.

        Returns
        -------
        LongEmbedding
            The vector, those of the windows, and, as its `str`, how it was computed.

        Raises
        ------
        InputError
            If the sequence has no A, C, G, T or U, or window, overlap, pooling or layer do not fit.
        """
        if pooling == "cls":
            raise InputError("Pooling 'cls' has no meaning over windows: choose 'mean' or 'max'.")
        numbers = self.find_layers(
            self.embedding_layers if layer is None else layer, pooling=pooling
        )
        both, budget = self._embeds_both(None), budget_of(self, batch_tokens)
        return embed_long(self, bases, window, overlap, pooling, numbers, both, budget, progress)

    @recorded(again=False)
    @says_cost
    def embed_to(
        self,
        store: str | PathLike[str],
        source: str | PathLike[str] | Sequence | Iterable[Bases],
        *,
        window: int | None = None,
        stride: int | None = None,
        layers: int | Iterable[int] | None = None,
        pooling: Pooling = "mean",
        client: Client | None = None,
        rows_per_chunk: int = 256,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> Summary:
        """Embed windows of a genome into a Zarr store, with constant memory.

        Stopped in any way, even killed, the same call goes on where it was, and ends with the same
        store, bit for bit.

        Parameters
        ----------
        store : str or path-like
            Folder of the store, such as ``"out.zarr"``; read it with `stores.open_store`.
        source : str, path-like, Sequence, or iterable of Sequence or str
            The path of a FASTA file, or records in memory.
        window, stride : int, optional
            In bases. Windows start every `stride` (by default `window`) bases of each record; the
            last ends where the record ends, and may be shorter, unless `stride` is larger than
            `window` and leaves the end out. None: each record as a whole.
        layers : int or iterable of int, optional
            As `layer` in `embed`; each is an array of its own in the store.
        pooling, batch_tokens
            As in `embed`.
        client : distributed.Client, optional
            A Dask cluster that computes instead of this process (extra ``[cluster]``).
        rows_per_chunk : int
            Windows computed, written and resumed together.
        progress : callable, optional
            Called as progress(bases done, bases in all).

        Returns
        -------
        Summary

        Raises
        ------
        InputError
            If the source cannot be read, or the store belongs to another source, model or setting;
            every difference is named.
        """
        from ..stores import embed_windows

        # A layer named twice, from either end, is one array.
        asked = self.embedding_layers if layers is None else layers
        wanted = tuple(dict.fromkeys(self.find_layers(asked, pooling=pooling)))
        embedder = WindowEmbedder(self, pooling, wanted, batch_tokens)
        return embed_windows(
            store,
            source,
            embedder,
            window=window,
            stride=stride,
            rows_per_chunk=rows_per_chunk,
            client=client,
            progress=progress,
        )

    @recorded
    def hidden_states(self, bases: Bases | Tokens) -> NDArray[np.float32]:
        """Hidden states of one sequence at every depth.

        Parameters
        ----------
        bases : str, Sequence, or what `tokenize` made of them

        Returns
        -------
        numpy.ndarray, shape (layers + 1, n_tokens, hidden), float32
            0 is the embeddings after LayerNorm; the tokens are those of `tokenize`.

        Raises
        ------
        InputError
            If the sequence has no bases, or a value is NaN or infinite.
        """
        tokens = tokens_of(self, bases)
        with self.lock, torch.inference_mode():
            states = self.body(self.input_ids(tokens), output_hidden_states=True).hidden_states
            values = torch.cat(states).float().cpu().numpy()
        check_finite(values, self.module, "values of the hidden states")
        return values

    def projections(self, bases: Bases | Tokens) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return queries and keys of every layer and head; every attention map follows from them.

        They take memory linear in length, where the maps are quadratic.

        Parameters
        ----------
        bases : str, Sequence, or what `tokenize` made of them

        Returns
        -------
        queries, keys : numpy.ndarray, shape (layers, heads, n_tokens, head_dim), float32

        Raises
        ------
        InputError
            As `hidden_states` does.
        """
        return projections(self, tokens_of(self, bases))

    @checked
    @says_cost
    def masked_log_probs(
        self,
        ids: Iterable[ArrayLike],
        positions: Iterable[ArrayLike],
        *,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> list[NDArray[np.float32]]:
        """Log-probability of every vocabulary entry at masked positions.

        All positions of a sequence are masked at once; to mask one at a time, pass the sequence
        once for each. The head runs at these positions only.

        Parameters
        ----------
        ids : iterable of array_like, shape (n,), int
            Token ids with [CLS] and [SEP], such as ``tokenize(bases).ids``; not changed.
        positions : iterable of array_like, shape (k,), int
            Indices into each of them.
        batch_tokens, progress
            As in `embed`.

        Returns
        -------
        list of numpy.ndarray, shape (k, vocabulary), float32
            In nats. 16 kB a position with 4,096 entries.

        Raises
        ------
        InputError
            If the model has no masked-LM head, or a position does not exist.
        """
        return masked_passes(
            self,
            [np.atleast_1d(np.asarray(one, dtype=np.int64)) for one in ids],
            [np.atleast_1d(np.asarray(one, dtype=np.int64)) for one in positions],
            lambda _number, rows: rows.cpu().numpy(),
            budget_of(self, batch_tokens),
            progress,
        )

    @recorded
    @says_cost
    def predict(
        self,
        sequences: Bases | Iterable[Bases],
        *,
        second: Bases | Iterable[Bases] | None = None,
        strands: str | None = None,
        segmentations: int | None = None,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Predict with the model's head.

        Input is cut at the tokens it was cut at in training (``config.max_input_tokens``). The
        answer may be the mean over several readings of each sequence; what a model does unless told
        otherwise was decided when it was trained, and stands in its config.json and card.

        Parameters
        ----------
        sequences : str, Sequence, or iterable of them
        second : str, Sequence, or iterable of them, optional
            The second sequence of each pair, for a model that was trained on pairs.
        strands : {"one", "both"}, optional
            The sequence as given, or the mean with its reverse complement.
        segmentations : int, optional
            Further random segmentations of each strand (forced borders, chance 0.05 a base), the
            same ones for a sequence in every process. Cost: (1 + segmentations) passes a strand.
        batch_tokens, progress
            As in `embed`.

        Returns
        -------
        numpy.ndarray, float32
            Probabilities, shape (n, classes) (independent ones for a multi-label model), or
            values, shape (n,), for a regression model.

        Raises
        ------
        InputError
            If the model has no head, a sequence is empty, or the model reads pairs and there are
            none, or the other way round; if both strands are asked of a model that reads a site of
            one strand.

        Warns
        -----
        ExploreWarning
            If sequences are less than half or more than twice as long as any the model was trained
            on.
        """
        self._need_head()
        pairs = self.config.sequence_pairs
        if pairs != (second is not None):
            raise InputError(
                f"Model {self.name!r} was trained on pairs of sequences: give the second ones as "
                "second=."
                if pairs
                else f"Model {self.name!r} reads single sequences, not pairs: leave second= out."
            )
        batches = [listed(sequences)] + ([] if second is None else [listed(second)])
        if len({len(batch) for batch in batches}) > 1:
            raise InputError(
                f"There are {len(batches[0]):,} first and {len(batches[1]):,} second sequences: "
                "give as many of the one as of the other."
            )
        readings = Readings.of(self, strands=strands, segmentations=segmentations)
        ids = [self._encode(batch) for batch in batches]
        if self.config.training_bases is not None:
            shortest, longest = self.config.training_bases
            lengths = (len(bases_of(one)) for batch in batches for one in batch)
            told = far_lengths(lengths, (shortest, longest))
            if told is not None:
                warn(told)
        texts = [[clean(one).bases for one in texts_of(batch)] for batch in batches]
        values = readings.predict(self, ids, texts, budget_of(self, batch_tokens), progress)
        check_finite(values, self.module, "predictions")
        return values

    def as_onehot(self, target: int | str | None = None, *, output: Output = "auto") -> OneHotModel:
        """Return this model as a torch module of one-hot bases, as other tools for DNA ask.

        Parameters
        ----------
        target : int or str, optional
            One class; all by default.
        output : {"auto", "logit", "probability", "value", "embedding"}
            "auto": logits, the value of a regression model, embeddings of a model without a head.

        Returns
        -------
        OneHotModel
            ``(batch, 4, length) -> (batch, outputs)``, rows A, C, G, T; it shares this network.

        Raises
        ------
        InputError
            If there is no such class, or the model has not that output.

        Examples
        --------
        >>> from dnabert2_explore import load
        >>> import torch
        >>> one_hot = torch.eye(4)[:, [0, 1, 2, 3, 0, 0, 2, 1]][None]
        >>> load("pocket-splice").as_onehot("donor")(one_hot).shape
        torch.Size([1, 1])
        """
        return OneHotModel(self, target, output=output)

    def _encode(self, sequences: Bases | Iterable[Bases]) -> list[NDArray[np.int64]]:
        """Token ids of each sequence; warns once of all that is no A, C, G, T or U."""
        return self.tokenizer.encode_ids_batch(cleaned(listed(sequences)))
