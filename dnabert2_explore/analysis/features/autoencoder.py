"""A sparse autoencoder of hidden states, and its files as SAELens writes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.files import replacing, write_text
from ...common.progress import Progress
from ...encoder import Bases, Encoder
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay
from ...stores.nearest import unit
from ...version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from .readings import FeatureReadings

__all__ = ["Features", "load"]

Activation = Literal["topk", "relu", "jumprelu"]
_CONFIG, _WEIGHTS = "cfg.json", "sae_weights.safetensors"
#: Our names of SAELens' architectures; "standard" may say its activation apart.
_ARCHITECTURES: dict[str, Activation] = {
    "topk": "topk", "standard": "relu", "jumprelu": "jumprelu",
}  # fmt: skip
#: Directions that are compared with all others at once.
_ROWS = 256
_TENSORS = ("W_enc", "b_enc", "W_dec", "b_dec")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Features(RichDisplay):
    """Directions of a layer's hidden states, few of which are active at a token.

    With `bias` b, a state x gives f = activation((x - b) · encode + encode_bias), and is put
    together again as f · decode + b.

    Attributes
    ----------
    encode : numpy.ndarray, shape (hidden, features), float32
    encode_bias : numpy.ndarray, shape (features,), float32
    decode : numpy.ndarray, shape (features, hidden), float32
    bias : numpy.ndarray, shape (hidden,), float32
    activation : {"topk", "relu", "jumprelu"}
        "topk": the `k` largest, if positive. "jumprelu": those above `thresholds`.
    k : int
        0 of other activations.
    thresholds : numpy.ndarray, shape (features,), float32, or None
    layer : int
        0 for the embeddings, i for the output of layer i.
    model : str
        The model whose states they were trained on.
    explained : float
        Share of the variance of held-out tokens' states that is put together again; NaN if unknown.
    dead : float
        Share of features that no training token activates; NaN if unknown.
    twin : Features or None
        Those of a network of the same shape that has learnt nothing, trained in the same way.
    seed : int
        Of the training; of a twin, of its network's weights too.
    """

    encode: NDArray[np.float32]
    encode_bias: NDArray[np.float32]
    decode: NDArray[np.float32]
    bias: NDArray[np.float32]
    activation: Activation
    k: int
    thresholds: NDArray[np.float32] | None
    layer: int
    model: str
    explained: float = float("nan")
    dead: float = float("nan")
    twin: Features | None = None
    seed: int = 0

    def __len__(self) -> int:
        return self.encode.shape[1]

    def _line(self) -> str:
        kind = f"{self.k} at a token" if self.activation == "topk" else self.activation
        told = f"{len(self):,} of layer {self.layer}, {kind}"
        if not np.isnan(self.explained):
            told += f", {self.explained:.0%} of the variance"
        if self.twin is not None and not np.isnan(self.twin.explained):
            told += f" (of an untrained network's: {self.twin.explained:.0%})"
        if not np.isnan(self.dead):
            told += f", {self.dead:.0%} dead"
        return told

    def activations(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute what is active in hidden states.

        Parameters
        ----------
        states : numpy.ndarray, shape (tokens, hidden), float32

        Returns
        -------
        numpy.ndarray, shape (tokens, features), float32
            0 where a feature is not active.

        Raises
        ------
        InputError
            If the states are of another width.
        """
        if states.ndim != 2 or states.shape[1] != len(self.bias):
            raise InputError(
                f"The states have the shape {states.shape}; these features read (tokens, "
                f"{len(self.bias)}): take the states of the model they were trained on."
            )
        before = (states - self.bias) @ self.encode + self.encode_bias
        if self.activation == "jumprelu":
            assert self.thresholds is not None  # _of checks it
            return np.where(before > self.thresholds, np.maximum(before, 0), 0).astype(np.float32)
        active = np.maximum(before, 0)
        if self.activation == "topk" and self.k < active.shape[1]:
            kept = np.argpartition(-active, self.k - 1, axis=1)[:, : self.k]
            top = np.zeros_like(active)
            np.put_along_axis(top, kept, np.take_along_axis(active, kept, axis=1), axis=1)
            active = top
        return active.astype(np.float32, copy=False)

    def reconstruct(self, activations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put states together again from activations, (tokens, features) to (tokens, hidden)."""
        states: NDArray[np.float32] = activations @ self.decode + self.bias
        return states

    def alike(self, most: int | None = None) -> NDArray[np.float32]:
        """Cosine of what each feature writes with the nearest of the others.

        Parameters
        ----------
        most : int, optional
            Features that are asked about, evenly; all by default.

        Returns
        -------
        numpy.ndarray, shape (features asked,), float32
            -1 where there is no other.
        """
        return _nearest(self.decode, most)

    def alike_by_chance(self, most: int | None = None, *, seed: int = 0) -> NDArray[np.float32]:
        """As `alike` of `most` features, of as many random directions drawn by `seed`."""
        random = np.random.default_rng(seed).standard_normal(self.decode.shape, dtype=np.float32)
        return _nearest(random, most)

    @recorded
    @says_cost
    def read(
        self,
        enc: Encoder,
        sequences: Bases | Iterable[Bases],
        *,
        progress: Progress | None = None,
    ) -> FeatureReadings:
        """Find out where features are active in sequences.

        Parameters
        ----------
        enc : Encoder
            Of the model they were trained on.
        sequences : str, Sequence, or iterable of them
        progress : callable, optional
            Called as progress(sequences done, sequences in all); raise `Cancelled` from it to stop.

        Returns
        -------
        FeatureReadings
            With the twin's beside it, if there is one.

        Raises
        ------
        InputError
            If the model has no such layer, or states of another width.
        """
        from .readings import read_features

        return read_features(self, enc, sequences, progress)

    def save(self, folder: str | PathLike[str]) -> None:
        """Write ``cfg.json`` and ``sae_weights.safetensors`` as SAELens lays them out.

        Parameters
        ----------
        folder : path-like
            Made where there is none. The twin goes to a folder ``twin`` in it.
        """
        from safetensors.numpy import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = dict(
            zip(_TENSORS, (self.encode, self.encode_bias, self.decode, self.bias), strict=True)
        )
        if self.thresholds is not None:
            tensors["threshold"] = self.thresholds
        architecture = {ours: theirs for theirs, ours in _ARCHITECTURES.items()}[self.activation]
        config: dict[str, Any] = {
            "architecture": architecture,
            "d_in": len(self.bias),
            "d_sae": len(self),
            "dtype": "float32",
            "device": "cpu",
            "apply_b_dec_to_input": True,
            "normalize_activations": "none",
            "reshape_activations": "none",
            "metadata": {
                "model_name": self.model,
                "hook_name": f"bert.encoder.layer.{self.layer - 1}"
                if self.layer
                else "bert.embeddings",
                "hook_layer": self.layer,
                "dnabert2_explore_version": __version__,
                "explained": None if np.isnan(self.explained) else self.explained,
                "dead": None if np.isnan(self.dead) else self.dead,
                "seed": self.seed,
            },
        }
        if self.activation == "topk":
            config |= {"k": self.k, "rescale_acts_by_decoder_norm": False}
        with replacing(folder / _WEIGHTS) as temporary:
            save_file({name: np.ascontiguousarray(one) for name, one in tensors.items()}, temporary)
        write_text(folder / _CONFIG, json.dumps(config, indent=1) + "\n")
        if self.twin is not None:
            self.twin.save(folder / "twin")
        elif (folder / "twin" / _CONFIG).is_file():  # of what was saved there before
            shutil.rmtree(folder / "twin")

    def table(self) -> pd.DataFrame:
        """Return a row a feature: ``feature``, ``reads`` and ``writes`` (norms), ``bias``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "feature": np.arange(len(self)),
                "reads": np.linalg.norm(self.encode, axis=0),
                "writes": np.linalg.norm(self.decode, axis=1),
                "bias": self.encode_bias,
            }
        )


def _nearest(directions: NDArray[np.float32], most: int | None) -> NDArray[np.float32]:
    """Largest cosine of each direction with another one."""
    count = len(directions)
    scaled = unit(directions)
    asked = np.arange(count)[:: max(1, -(-count // (most or count)))]
    found = np.full(len(asked), -1, dtype=np.float32)
    for begin in range(0, len(asked), _ROWS):
        some = asked[begin : begin + _ROWS]
        cosines = scaled[some] @ scaled.T
        cosines[np.arange(len(some)), some] = -1
        found[begin : begin + _ROWS] = cosines.max(axis=1)
    return found


@recorded
def load(folder: str | PathLike[str], *, layer: int | None = None) -> Features:
    """Read a sparse autoencoder from a folder as SAELens lays it out.

    Parameters
    ----------
    folder : str or path-like
        With ``cfg.json`` and ``sae_weights.safetensors``. Architectures topk, standard and
        jumprelu, of residual-stream states that nothing normalises.
    layer : int, optional
        Whose states it reads (0 the embeddings); by default as the file says.

    Returns
    -------
    Features

    Raises
    ------
    InputError
        If a file is missing or says what cannot be computed here.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> dx.features.load("nowhere")
    Traceback (most recent call last):
    dnabert2_explore.errors.InputError: nowhere has no cfg.json: name a folder that ...
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    folder = Path(folder)
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder} has no {name}: name a folder that SAELens or Features.save wrote."
            )
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / _WEIGHTS)
    except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError) as error:
        raise InputError(f"{folder} cannot be read ({error}): write it again.") from error
    twin = load(folder / "twin", layer=layer) if (folder / "twin").is_dir() else None
    return _of(folder, config, tensors, layer, twin)


def _of(
    folder: Path,
    config: Any,
    tensors: dict[str, NDArray[Any]],
    layer: int | None,
    twin: Features | None,
) -> Features:
    """Make features of what the files hold, or say what does not fit."""
    if not isinstance(config, dict):
        raise InputError(f"{folder / _CONFIG} holds no settings: expected a JSON object.")
    given = config.get("metadata") or config.get("meta") or config  # before SAELens 6: all in one
    kind = config.get("architecture", "standard")
    name = config.get("activation_fn", config.get("activation_fn_str", ""))
    if kind == "standard" and name == "topk":
        kind = "topk"
    if kind not in _ARCHITECTURES:
        raise InputError(
            f"{folder / _CONFIG}: architecture {kind!r} is not known here; expected one of "
            f"{', '.join(_ARCHITECTURES)}."
        )
    for key in ("normalize_activations", "reshape_activations"):
        if config.get(key) not in (None, "none"):
            raise InputError(
                f"{folder / _CONFIG}: {key} is {config[key]!r}, which is not computed here: fold "
                "it into the weights first."
            )
    missing = [one for one in _TENSORS if one not in tensors]
    if kind == "jumprelu" and "threshold" not in tensors:
        missing.append("threshold")
    if missing:
        raise InputError(f"{folder / _WEIGHTS} has no {', '.join(missing)}: write it again.")
    encode, encode_bias, decode, bias = (tensors[one].astype(np.float32) for one in _TENSORS)
    hidden, count = encode.shape if encode.ndim == 2 else (-1, -1)
    if decode.shape != (count, hidden) or encode_bias.shape != (count,) or bias.shape != (hidden,):
        raise InputError(
            f"{folder / _WEIGHTS}: W_enc {encode.shape}, W_dec {decode.shape}, b_enc "
            f"{encode_bias.shape} and b_dec {bias.shape} do not fit together: expected (hidden, "
            "features), (features, hidden), (features,) and (hidden,)."
        )
    kwargs = config.get("activation_fn_kwargs") or {}
    k = config.get("k", kwargs.get("k", 0)) if kind == "topk" else 0
    if kind == "topk" and not (isinstance(k, int) and 0 < k <= count):
        raise InputError(f"{folder / _CONFIG}: k is {k!r}; expected 1 to {count}.")
    if not config.get("apply_b_dec_to_input", True):
        # Here the bias is always taken off: what that would lose is given back to the other bias.
        encode_bias = encode_bias + bias @ encode
    if kind == "topk" and config.get("rescale_acts_by_decoder_norm", False):
        # Activations count by how much they write.
        norms = np.linalg.norm(decode, axis=1)
        encode, encode_bias = encode * norms, encode_bias * norms
        decode = decode / np.maximum(norms, 1e-12)[:, None]
    number = given.get("hook_layer", config.get("hook_layer")) if layer is None else layer
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise InputError(
            f"{folder / _CONFIG} does not say which layer is read: give layer=, 0 for the "
            "embeddings."
        )
    shares = {
        name: float("nan") if given.get(name) is None else float(given[name])
        for name in ("explained", "dead")
    }
    return Features(
        encode=encode,
        encode_bias=encode_bias,
        decode=decode,
        bias=bias,
        activation=_ARCHITECTURES[kind],
        k=k,
        thresholds=tensors["threshold"].astype(np.float32) if kind == "jumprelu" else None,
        layer=number,
        model=str(given.get("model_name") or "model not named"),
        **shares,
        twin=twin,
        seed=int(given.get("seed") or 0),
    )
