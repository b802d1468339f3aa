"""The one number that is explained, as a function of embeddings, of token ids and of bases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index as index_of
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.names import check_name
from ...common.progress import Progress
from ...encoder import Bases, Encoder
from ...encoder.inputs import cut_ids, tokens_of
from ...encoder.passes.masked import masked_passes
from ...encoder.passes.readings import explained_line
from ...errors import InputError
from ...results.rich_display import bases_text
from ...sequences import clean
from ...tokens import Tokens
from .methods.backend import with_gradients

__all__ = ["OUTPUTS", "ExplainedOutput", "Target"]

Target = int | str | tuple[int, int]

#: Which output of a head is explained; "auto" is the logit, or the value of a regression model.
OUTPUTS = ("auto", "logit", "probability")


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedOutput:
    """One output of a model for one sequence; make it with `of`.

    Attributes
    ----------
    enc : Encoder
    tokens : Tokens
        The sequence's segmentation.
    ids : torch.Tensor, shape (1, n_read)
        What the network reads: cut where training cut, the span that is asked for masked.
    places : numpy.ndarray, shape (n_read,), int64
        Token of `tokens` at each of them.
    fixed : numpy.ndarray, shape (n_read,), bool
        True where nothing can be taken away: special tokens, and the masked span.
    target : int or tuple of int
        Class index, or base span.
    name, unit : str
    output : str
        ``"logit"`` or ``"probability"`` of a class, ``"value"``, or ``"log_likelihood"``.
    score : float
        The output, in `unit`.
    probabilities : numpy.ndarray, shape (classes,), or None
    span : tuple of int or None
        Tokens [first, last) that are masked and predicted.
    model : str
        The model and how it runs.
    """

    enc: Encoder
    tokens: Tokens
    ids: torch.Tensor
    places: NDArray[np.int64]
    fixed: NDArray[np.bool_]
    target: int | tuple[int, int]
    name: str
    unit: str
    output: str
    score: float
    probabilities: NDArray[np.float32] | None
    span: tuple[int, int] | None
    model: str

    @classmethod
    @with_gradients
    def of(
        cls, enc: Encoder, bases: Bases, target: Target | None = None, output: str = "auto"
    ) -> ExplainedOutput:
        """Find the output that a target (as in `attribute`) names, and its value.

        Raises InputError where the target does not exist, the sequence has no bases the model
        knows, or the model has no output to explain.
        """
        check_name("Output", output, OUTPUTS)
        if isinstance(target, list):  # as JSON and sliders give spans
            target = tuple(target)
        tokens = tokens_of(enc, bases)
        if tokens.composition.ambiguous == tokens.composition.length:
            raise InputError(
                "The sequence has no A, C, G or T: there is nothing to attribute to; give bases "
                "that the model knows."
            )
        return (_class_output if enc.has_head else _span_output)(enc, tokens, target, output)

    @property
    def about(self) -> dict[str, Any]:
        """What results say of it, by the names that they give it."""
        return {
            "target": self.target, "target_name": self.name, "unit": self.unit, "model": self.model
        }  # fmt: skip

    @property
    def masked(self) -> bool:
        """Whether a masked span is asked for, not a head."""
        return self.span is not None

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Bases under tokens that are read and not masked, shape (n_bases,)."""
        seen = np.zeros(len(self.tokens.bases), dtype=bool)
        for start, end in self.tokens.spans[self.places[~self.fixed]]:
            seen[start:end] = True
        return seen

    @property
    def n_read(self) -> int:
        """Tokens that the network reads."""
        return int(self.ids.shape[1])

    def of_embeddings(self, words: torch.Tensor) -> torch.Tensor:
        """Compute the output from embeddings (batch, n_read, hidden), with gradients: (batch,)."""
        # Captum multiplies by numbers of its own, in float32, where the network has a half type.
        types = self.enc.body.part_types(self.ids)
        logits = self.enc.module(
            inputs_embeds=words.to(self.enc.dtype),
            token_type_ids=None if types is None else types.expand(len(words), -1),
        ).logits.float()
        if self.span is not None:
            first, last = self.span
            truth = torch.from_numpy(self.tokens.ids[first:last]).to(logits.device)
            rows = logits[:, first:last].log_softmax(dim=-1)
            return rows.gather(-1, truth.expand(len(rows), -1)[..., None])[..., 0].sum(dim=-1)
        assert isinstance(self.target, int)
        values = self.enc.activate(logits) if self.output == "probability" else logits
        return values[:, self.target]

    def of_ids(
        self, ids: Iterable[NDArray[np.int64]], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Compute the output for changed token ids, packed and without gradients, shape (rows,).

        With [CLS] and [SEP]. Where a masked span is asked for, each has `n_read` ids, and the
        tokens of the span are masked whatever they are.
        """
        rows = list(ids)
        if self.span is not None:
            return self._of_masked(rows, [self.span[0]] * len(rows), progress)
        assert isinstance(self.target, int)
        if self.output == "probability":
            values = self.enc.predict_ids(rows, progress=progress)
        else:
            values = self.enc.logits_ids(rows, progress=progress)
        return values[:, self.target] if values.ndim == 2 else values

    def of_bases(
        self, sequences: Iterable[str], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Compute the output for other sequences, each cut into tokens anew, shape (sequences,).

        Where a masked span is asked for, the span keeps its tokens, and its place counted from
        either end; what stands before and behind it is cut anew.
        """
        rows, firsts = self.read(sequences)
        if self.span is not None:
            return self._of_masked(rows, firsts, progress)
        return self.of_ids(rows, progress)

    def read(self, sequences: Iterable[str]) -> tuple[list[NDArray[np.int64]], list[int]]:
        """Cut sequences into the token ids that `of_bases` gives to the network.

        Beside them stands where the masked span begins in each; of a model with a head, nothing.
        """
        texts = list(sequences)
        encode = self.enc.tokenizer.encode_ids_batch
        if self.span is None:
            ids = encode(clean(text) for text in texts)
            return cut_ids(ids, None, self.enc.config.max_input_tokens), []
        # A border between tokens is one that no merge crossed: what stands on either side of it is
        # cut the same alone.
        start, end = self.stretch
        tail = len(self.tokens.bases) - end
        before = [row[:-1] for row in encode(clean(text[:start]) for text in texts)]
        behind = [row[1:] for row in encode(clean(text[len(text) - tail :]) for text in texts)]
        first, last = self.span
        inside = self.tokens.ids[first:last]
        rows = [np.concatenate([a, inside, b]) for a, b in zip(before, behind, strict=True)]
        return rows, [len(row) for row in before]

    @property
    def stretch(self) -> tuple[int, int]:
        """Bases under the masked tokens; (0, 0) for a model with a head."""
        if self.span is None:
            return 0, 0
        spans = self.tokens.spans
        return int(spans[self.span[0], 0]), int(spans[self.span[1] - 1, 1])

    def _of_masked(
        self, rows: list[NDArray[np.int64]], firsts: list[int], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        assert self.span is not None
        return _masked_likelihoods(
            self.enc, rows, firsts, self.tokens.ids[slice(*self.span)], progress
        )

    def spread_out(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return scores of the tokens that are read, shape (n_read,), as (n_tokens,)."""
        every = np.zeros(len(self.tokens), dtype=np.float32)
        every[self.places] = scores
        return every


def _class_output(
    enc: Encoder, tokens: Tokens, target: Target | None, output: str
) -> ExplainedOutput:
    if enc.config.sequence_pairs:
        raise InputError(
            f"Model {enc.name!r} reads pairs of sequences, which attribution does not take: load a "
            "model of single sequences."
        )
    limit = enc.config.max_input_tokens
    (ids,) = cut_ids([tokens.ids], None, limit)
    places = np.arange(len(tokens), dtype=np.int64)
    if len(ids) < len(tokens):
        places = np.concatenate([places[: len(ids) - 1], places[-1:]])
    logits = enc.logits_ids([ids])
    index, name = _find_class(enc, logits[0], target)
    values = enc.activate(torch.from_numpy(logits))[0].numpy()
    regression = enc.is_regression
    if regression and output != "auto":
        raise InputError(
            f"Model {enc.name!r} answers with a value, not with classes: leave output at 'auto'."
        )
    output = "value" if regression else {"auto": "logit"}.get(output, output)
    return ExplainedOutput(
        enc=enc,
        tokens=tokens,
        ids=torch.from_numpy(ids)[None].to(enc.device),
        places=places,
        fixed=tokens.special[places],
        target=index,
        name=name,
        unit=output,
        output=output,
        score=float((values if output == "probability" else logits[0])[index]),
        probabilities=None if regression else values,
        span=None,
        model=explained_line(enc),
    )


def _span_output(
    enc: Encoder, tokens: Tokens, target: Target | None, output: str
) -> ExplainedOutput:
    if output != "auto":
        raise InputError(
            f"Model {enc.name!r} has no classes; what is explained is a log-likelihood: leave "
            "output at 'auto'."
        )
    span, first, last = _find_span(enc, tokens, target)
    ids = tokens.ids.copy()
    ids[first:last] = enc.tokenizer.mask_id
    fixed = tokens.special.copy()
    fixed[first:last] = True
    (score,) = _masked_likelihoods(enc, [ids], [first], tokens.ids[first:last])
    return ExplainedOutput(
        enc=enc,
        tokens=tokens,
        ids=torch.from_numpy(ids)[None].to(enc.device),
        places=np.arange(len(tokens), dtype=np.int64),
        fixed=fixed,
        target=span,
        # Whole tokens are masked, so the stretch that is explained may be wider than the one asked.
        name=f"masked {bases_text(tokens.spans[first, 0], tokens.spans[last - 1, 1])}",
        unit="nats",
        output="log_likelihood",
        score=float(score),
        probabilities=None,
        span=(first, last),
        model=explained_line(enc),
    )


def _find_class(
    enc: Encoder, logits: NDArray[np.float32], target: Target | None
) -> tuple[int, str]:
    classes = enc.classes
    if isinstance(target, tuple):
        raise InputError(
            f"Model {enc.name!r} has a head, so a base span is no target: name one of its classes, "
            f"{', '.join(classes)}."
        )
    index = int(logits.argmax()) if target is None else enc.find_class(target)
    return index, classes[index]


def _find_span(
    enc: Encoder, tokens: Tokens, target: Target | None
) -> tuple[tuple[int, int], int, int]:
    if not enc.has_masked_lm:
        raise InputError(
            f"Model {enc.name!r} has neither classes nor a masked-language-model head, so there is "
            'no output to explain: load "pocket", "pocket-splice" or a fine-tuned model.'
        )
    if not isinstance(target, tuple) or len(target) != 2:
        raise InputError(
            f"Model {enc.name!r} has no classes: give target=(start, end), a stretch of bases "
            "whose masked-token log-likelihood is explained, or load a fine-tuned model such as "
            '"pocket-splice".'
        )
    start, end = _whole(target[0]), _whole(target[1])
    first, last = tokens.covering(start, end)
    if tokens.unknown[first:last].any():
        raise InputError(
            f"Bases {start + 1}-{end} hold unknown letters, which the model never predicts: choose "
            "a stretch of A, C, G and T."
        )
    return (start, end), first, last


def _whole(number: object) -> int:
    """Read a position; 1.7 and True are none."""
    if isinstance(number, bool | np.bool_) or not hasattr(number, "__index__"):
        raise InputError(f"Target {number!r} is no position: give a whole number.")
    return index_of(number)


def _masked_likelihoods(
    enc: Encoder,
    rows: list[NDArray[np.int64]],
    firsts: list[int],
    truth: NDArray[np.int64],
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Log-likelihood of the tokens `truth`, masked from `firsts` on in each row, in nats."""
    wanted = torch.from_numpy(truth)[:, None].to(enc.device)

    def take(_number: int, log_probabilities: torch.Tensor) -> NDArray[np.float32]:
        return log_probabilities.gather(1, wanted).sum().cpu().numpy()

    places = [np.arange(first, first + len(truth)) for first in firsts]
    found = masked_passes(enc, rows, places, take, enc.budget, progress)
    return np.array(found, dtype=np.float32)
