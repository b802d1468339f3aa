"""A model as a function of one-hot bases, the form in which tools for DNA models ask."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from ..errors import InputError
from ..sequences import clean
from .inputs import cut_ids
from .model import Model
from .vectors.cached import embed_texts

__all__ = ["OneHotModel"]

_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)

Output = Literal["auto", "logit", "probability", "value", "embedding"]


class OneHotModel(torch.nn.Module):
    """An encoder behind the interface (batch, 4, length) -> (batch, outputs).

    Tools that replace bases and ask again (mutagenesis, marginalization, dependency maps, variant
    effects) can ask it. Every sequence is cut into tokens anew, which has no gradient: tools that
    take one are refused, and `dnabert2_explore.attribute` has their methods.

    Parameters
    ----------
    enc : Model
    target : int or str, optional
        One class, by index or name; all of them by default.
    output : {"auto", "logit", "probability", "value", "embedding"}
        ``"auto"``: logits of a classifier, the value of a regression model, and what
        `Encoder.embed` returns of a model without a head.

    Raises
    ------
    InputError
        If there is no such class, the model has not that output, or reads pairs of sequences.
    """

    def __init__(
        self, enc: Model, target: int | str | None = None, *, output: Output = "auto"
    ) -> None:
        super().__init__()
        usual: Output = "embedding"
        if enc.has_head:
            usual = "value" if enc.is_regression else "logit"
        self.output: Output = usual if output == "auto" else output
        own: tuple[str, ...] = ("embedding",)
        if enc.has_head:
            own = ("value", *own) if enc.is_regression else ("logit", "probability", *own)
        if self.output not in own:
            raise InputError(
                f"Model {enc.name!r} has no output {output!r}: choose one of {', '.join(own)}."
            )
        if enc.has_head and enc.config.sequence_pairs:
            raise InputError(f"Model {enc.name!r} reads pairs of sequences, not one at a time.")
        self.target = _column(enc, target, self.output)
        self.network = enc.module  # so that .to(device) and .parameters() mean what they say
        self._enc = enc
        self.eval()

    def __repr__(self) -> str:
        classes = self._enc.classes
        target = "" if self.target is None else f" of {classes[self.target]}"
        return f"<OneHotModel: {self.output}{target} by {self._enc.name}, of (batch, 4, length)>"

    def train(self, mode: bool = True) -> OneHotModel:
        """Stay as it is: the encoder's network is never in training mode."""
        return super().train(False)

    def forward(self, X: torch.Tensor) -> torch.Tensor:  # noqa: N803  # as these tools call it
        """Compute the outputs.

        Parameters
        ----------
        X : torch.Tensor, shape (batch, 4, length)
            Rows A, C, G, T; a column of zeros is an unknown base.

        Returns
        -------
        torch.Tensor, shape (batch, outputs), float32
            On the device of `X`, without a gradient.

        Raises
        ------
        InputError
            If `X` is not one-hot, or asks for a gradient.
        """
        texts = self._bases(X)
        if self.output == "embedding":
            model = self._enc
            both, budget = model.config.embedding_strands == "both", model.budget
            values = embed_texts(model, texts, "mean", model.embedding_layers, both, budget)
            values = values.reshape(len(texts), -1)
        else:
            ids = self._enc.tokenizer.encode_ids_batch(clean(text) for text in texts)
            ids = cut_ids(ids, None, self._enc.config.max_input_tokens)
            ask = self._enc.predict_ids if self.output == "probability" else self._enc.logits_ids
            values = np.asarray(ask(ids)).reshape(len(texts), -1)
        if self.target is not None:
            values = values[:, self.target : self.target + 1]
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(X.device)

    def _bases(self, one_hot: torch.Tensor) -> list[str]:
        if one_hot.ndim != 3 or one_hot.shape[1] != 4:
            raise InputError(
                f"X has shape {tuple(one_hot.shape)}; expected (batch, 4, length), with the rows "
                "A, C, G, T."
            )
        if one_hot.requires_grad and torch.is_grad_enabled():
            raise InputError(
                "A gradient of the bases is asked for, and cutting into tokens has none: use a "
                "tool that replaces bases, or dnabert2_explore.attribute."
            )
        values = one_hot.detach().cpu().numpy()
        sums = values.sum(axis=1)
        if not (np.isin(values, (0, 1)).all() and (sums <= 1).all()):
            raise InputError("X is not one-hot: give one 1 for each base, or none where unknown.")
        letters = _LETTERS[np.where(sums == 1, values.argmax(axis=1), 4)]
        return [row.tobytes().decode("ascii") for row in letters]


def _column(enc: Model, target: int | str | None, output: str) -> int | None:
    if target is None:
        return None
    if output == "embedding":
        raise InputError("An embedding has no classes: leave target out.")
    return enc.find_class(target)
