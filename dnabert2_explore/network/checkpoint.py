"""Reading DNABERT-2 checkpoints: a hub id or a folder, without remote code, pickles or prompts."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from safetensors import SafetensorError

from ..digests import Stamp, stamp_of
from ..errors import CheckpointError
from ..files import located
from .attention import refuse_backend
from .config import Dnabert2Config
from .converted import convert
from .modeling import (
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
    Dnabert2PreTrainedModel,
)
from .weights import read_weights

__all__ = ["Checkpoint", "find_checkpoint", "load_network", "read_config"]

_DECODER = "cls.predictions.decoder.weight"
_EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
TOKENIZER = "tokenizer.json"
CONFIG = "config.json"

# Keys of a published config.json that speak of the file, not of the network: the remote code it
# names is never run, and its model_type (absent, or "bert") is not ours.
_SHAPE = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
)
_NOT_SHAPE = {"architectures", "auto_map", "model_type", "torch_dtype", "dtype"}


_NOT_FOUND = (
    "No model folder {!r}: pass an existing folder, a hub id such as "
    '"zhihan1996/DNABERT-2-117M", or a shipped model ("pocket", "pocket-splice").'
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The three files of a checkpoint, and how the weights' file stood before it was read.

    Attributes
    ----------
    folder, config, weights, tokenizer : pathlib.Path
    stamp : Stamp
        Of `weights`: see `digests.stamp_of`.
    """

    folder: Path
    config: Path
    weights: Path
    tokenizer: Path
    stamp: Stamp

    @classmethod
    def of(cls, folder: Path, config: Path, weights: Path, tokenizer: Path) -> Checkpoint:
        """Note the files as they are now."""
        return cls(folder, config, weights, tokenizer, stamp_of(weights))


def find_checkpoint(source: str | Path, revision: str | None = None) -> Checkpoint:
    """Locate a checkpoint's files in a folder or on the Hugging Face hub.

    Parameters
    ----------
    source : str or pathlib.Path
        A folder, or a hub id such as ``"zhihan1996/DNABERT-2-117M"``. A folder wins.
    revision : str, optional
        Branch, tag or commit on the hub.

    Raises
    ------
    CheckpointError
        If a file is missing, or the hub cannot be reached or does not know the id.
    """
    folder = located(source)
    if folder.is_dir():
        if revision is not None:
            raise CheckpointError(
                f"{folder} is a folder, which has no revision {revision!r}: leave revision out, or "
                "pass a hub id."
            )
        missing = [name for name in (CONFIG, TOKENIZER) if not (folder / name).is_file()]
        weights = next((folder / w for w in WEIGHTS if (folder / w).is_file()), None)
        if weights is None:
            missing.append(" or ".join(WEIGHTS))
        if missing or weights is None:
            raise CheckpointError(
                f"Model folder {folder} lacks {', '.join(missing)}: copy every file of the "
                "published model into it."
            )
        return Checkpoint.of(folder, folder / CONFIG, weights, folder / TOKENIZER)
    if folder.exists():
        raise CheckpointError(
            f"{folder} is a file, not a model folder: pass the folder that holds {CONFIG}."
        )
    if str(source).count("/") != 1 or str(source).startswith((".", "/", "~")):
        raise CheckpointError(_NOT_FOUND.format(str(source)))
    return _download(str(source), revision)


def _download(repo: str, revision: str | None) -> Checkpoint:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    # Asked while offline, the hub's client retries for half a minute before it looks in the cache.
    cached_only = not _hub_answers()

    def fetch(name: str) -> Path:
        return Path(hf_hub_download(repo, name, revision=revision, local_files_only=cached_only))

    offline = (
        f"Model {repo!r} is neither a folder here, nor in the Hugging Face cache, nor can the hub "
        "be reached: connect once to download it, or copy the model's folder here and pass its "
        "path."
    )
    try:
        config = fetch(CONFIG)
        tokenizer = fetch(TOKENIZER)
        try:
            weights = fetch(WEIGHTS[0])
        except LocalEntryNotFoundError:
            # Offline: the cache may hold the older weights file only.
            weights = fetch(WEIGHTS[1])
        except EntryNotFoundError:
            weights = fetch(WEIGHTS[1])
    except HFValidationError as error:
        raise CheckpointError(_NOT_FOUND.format(repo)) from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(
            f"The hub knows no model {repo!r} (or it is private): check the spelling, or log in "
            "with `hf auth login`."
        ) from error
    except RevisionNotFoundError as error:
        raise CheckpointError(
            f"Model {repo!r} has no revision {revision!r}: name a branch, tag or commit of it."
        ) from error
    except LocalEntryNotFoundError as error:
        raise CheckpointError(offline) from error
    except EntryNotFoundError as error:
        raise CheckpointError(
            f"Model {repo!r} on the hub lacks a file that DNABERT-2 has ({error}): choose a model "
            f"with {CONFIG}, {TOKENIZER} and {' or '.join(WEIGHTS)}."
        ) from error
    except HfHubHTTPError as error:
        raise CheckpointError(
            f"The hub refused {repo!r} ({error}): try again later, or pass a local folder."
        ) from error
    except OSError as error:  # connection errors of every HTTP library are OSErrors
        raise CheckpointError(offline) from error
    return Checkpoint.of(config.parent, config, weights, tokenizer)


def _hub_answers() -> bool:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    if getproxies().keys() & {
        "http",
        "https",
        "all",
        "socks",
    }:  # a proxy finds the hub where we cannot: let the client try
        return True
    url = urlsplit(constants.ENDPOINT)
    try:
        port = url.port or (80 if url.scheme == "http" else 443)
        socket.create_connection((url.hostname, port), timeout=5).close()
    except OSError:
        return False
    return True


def read_config(path: Path) -> Dnabert2Config:
    """Read a `config.json`, ours or the published one (which has no usable ``model_type``).

    Raises
    ------
    CheckpointError
        If the file is not JSON, is of another architecture, or describes an impossible shape.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{path} is not valid JSON ({error}): download it again from the model's page."
        ) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path} is not a model configuration: its JSON is no object.")
    # Ours, none, or "bert": the remote code's configuration calls itself bert.
    if values.get("model_type", "bert") not in ("bert", Dnabert2Config.model_type):
        raise CheckpointError(
            f"{path} describes a {values['model_type']!r} model, not a DNABERT-2: pass a DNABERT-2 "
            "checkpoint."
        )
    # No weight's shape depends on the number of heads: a default would be wrong in silence.
    missing = [name for name in _SHAPE if name not in values]
    if missing:
        raise CheckpointError(
            f"{path} does not say {', '.join(missing)}: download the model's own {CONFIG}."
        )
    try:
        return Dnabert2Config(**{k: v for k, v in values.items() if k not in _NOT_SHAPE})
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not describe a DNABERT-2: {error}") from error


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            return read_weights(path)
        # mmap leaves pages on disk until they are used; weights_only refuses code in the pickle.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except CheckpointError:
        raise
    except (SafetensorError, RuntimeError, EOFError, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{path} is not a readable weights file ({reason[:120]}): it may be cut short or a "
            "Git LFS pointer; download it again."
        ) from error
    except Exception as error:
        # torch raises pickle.UnpicklingError for anything but plain tensors.
        if type(error).__name__ != "UnpicklingError":
            raise
        raise CheckpointError(
            f"{path} is not a plain state dict (it asks to run code, or is no weights file), and "
            "was not loaded: save it as model.safetensors first."
        ) from error


def _published_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Bring old spellings to the published names."""
    renamed = {}
    for name, tensor in state.items():
        new = name.replace("LayerNorm.gamma", "LayerNorm.weight")
        renamed[new.replace("LayerNorm.beta", "LayerNorm.bias")] = tensor
    if not any(name.startswith("bert.") for name in renamed):
        # A bare encoder (DNABERT-S): its names lack the prefix that models with a head carry.
        renamed = {f"bert.{name}": tensor for name, tensor in renamed.items()}
    return renamed


def load_network(
    checkpoint: Checkpoint,
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
    shared: bool = False,
) -> Dnabert2PreTrainedModel:
    """Build the network a checkpoint holds, and fill every weight of it.

    The head follows the weights: a classifier, the masked-LM head, or none. The pooler is built
    for a classifier only, because the published checkpoint has none.

    Parameters
    ----------
    checkpoint : Checkpoint
        What `find_checkpoint` returned.
    dtype : torch.dtype
        Type of the weights once loaded.
    attention : {"eager", "sdpa", "flex", "flash"}
        Attention backend.
    shared : bool
        Whether weights whose type changes are kept in the cache, so that the processes of a
        machine share them (see `network.converted`). Those that keep their type always are.

    Returns
    -------
    Dnabert2PreTrainedModel
        In eval mode, on the CPU.

    Raises
    ------
    CheckpointError
        If a weight is missing, unexpected or of another shape; all of them are listed.
    ValueError
        For an attention backend that would drop ALiBi.
    """
    config = read_config(checkpoint.config)
    config._attn_implementation = refuse_backend(attention)
    state = _published_names(_read_weights(checkpoint.weights))
    network_class: type[Dnabert2PreTrainedModel]
    if "classifier.weight" in state:
        network_class = Dnabert2ForSequenceClassification
        config.num_labels = state["classifier.weight"].shape[0]
    elif any(name.startswith("cls.predictions.") for name in state):
        network_class = Dnabert2ForMaskedLM
    else:
        network_class = Dnabert2Model
        state = {name.removeprefix("bert."): tensor for name, tensor in state.items()}
    with torch.device("meta"):  # no time is spent on random weights that would be overwritten
        network = (
            network_class(config, add_pooling_layer=False)
            if network_class is Dnabert2Model
            else network_class(config)
        )
    _check_keys(network, state, checkpoint.weights)
    wanted = network.state_dict().keys()
    kept = {name: tensor for name, tensor in state.items() if name in wanted}
    kept = convert(kept, checkpoint.weights, checkpoint.stamp, dtype, shared)
    network.load_state_dict(kept, strict=False, assign=True)
    network.tie_weights()
    network.requires_grad_(True)
    network.config.dtype = dtype
    return network.eval()


def _check_keys(
    network: Dnabert2PreTrainedModel, state: dict[str, torch.Tensor], path: Path
) -> None:
    """Raise unless `state` fills `network` exactly; a pooler nobody trained is no loss."""
    expected = network.state_dict()
    # Tied to the embeddings, so that a file may leave it out, but not say otherwise.
    tied = {_DECODER} if network.config.tie_word_embeddings else set()
    if tied & state.keys() and not torch.equal(state[_DECODER], state[_EMBEDDINGS]):
        raise CheckpointError(
            f"{path} holds a decoder that is not its word embeddings, while its config.json ties "
            'the two: add "tie_word_embeddings": false to config.json if that is meant.'
        )
    missing = [name for name in expected if name not in state and name not in tied]
    unexpected = [
        name
        for name in state
        if name not in expected and "pooler." not in name and "position_ids" not in name
    ]
    misshapen = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]
    problems = [
        f"{label}: {', '.join(names)}"
        for label, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshapen),
        )
        if names
    ]
    if problems:
        raise CheckpointError(
            f"{path} does not fit a {type(network).__name__} of its config.json "
            f"({'; '.join(problems)}): pass a complete DNABERT-2 checkpoint with its own "
            "config.json."
        )
