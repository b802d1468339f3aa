"""Reading DNABERT-2 checkpoints: a hub id or a folder, without remote code, pickles or prompts."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from huggingface_hub.errors import StrictDataclassError

from ...common.files import located
from ...errors import CheckpointError
from ...results.digests import Stamp, sha256_of, stamp_of
from ...results.sealed import read_json
from ..attention import refuse_backend
from ..bare import BareClassifier, BareEncoder, BareMaskedLM, BareNetwork, Unfilled
from ..config import Dnabert2Config
from .converted import convert
from .state import (
    DECODER,
    EMBEDDINGS,
    INDEX,
    check_sizes,
    misshapen,
    parts_of,
    read_state,
    refuse,
)
from .vocabulary import check_vocabulary

if TYPE_CHECKING:
    from ..modeling import Dnabert2PreTrainedModel

__all__ = ["Checkpoint", "find_checkpoint", "load_bare", "load_network", "read_config"]

WEIGHTS = ("model.safetensors", INDEX, "pytorch_model.bin")
TOKENIZER = "tokenizer.json"
CONFIG = "config.json"

_SHAPE = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
)

# What is read of a config.json: what a DNABERT-2 is, and a head's answers. The rest speaks of the
# file, of calls, or of other architectures: the remote code a published one names is never run, its
# model_type (absent, or "bert") is not ours.
_READ = {*Dnabert2Config.__annotations__, "id2label", "label2id", "num_labels", "problem_type"}


_NOT_FOUND = (
    "No model folder {!r}: pass an existing folder, a hub id such as "
    '"zhihan1996/DNABERT-2-117M", or a shipped model ("pocket", "pocket-splice").'
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The files of a checkpoint, and how the weights stood before they were read.

    `weights` is one file, or the index of several `parts`; `stamp` is that of all files with
    weights (`digests.stamp_of`).
    """

    folder: Path
    config: Path
    weights: Path
    tokenizer: Path
    stamp: Stamp
    parts: tuple[Path, ...] = ()

    @classmethod
    def of(cls, folder: Path, config: Path, weights: Path, tokenizer: Path) -> Checkpoint:
        """Note the files as they are now."""
        parts = parts_of(weights) if weights.name == INDEX else ()
        return cls(folder, config, weights, tokenizer, _stamp(weights, parts), parts)

    def sha256(self) -> str:
        """Digest of the weights: of their file, or of the digests of all parts.

        A file that cannot be read is an OSError.
        """
        if not self.parts:
            return sha256_of(self.weights)
        digests = "".join(sha256_of(file) for file in (self.weights, *self.parts))
        return hashlib.sha256(digests.encode()).hexdigest()

    def untouched(self) -> bool:
        """Whether the files are still those that were found; an OSError where one is gone."""
        return _stamp(self.weights, self.parts) == self.stamp


def _stamp(weights: Path, parts: tuple[Path, ...]) -> Stamp:
    return sum((stamp_of(file) for file in (weights, *parts)), ())


def find_checkpoint(source: str | Path, revision: str | None = None) -> Checkpoint:
    """Locate a checkpoint's files in a folder, or by a hub id at a `revision` of it.

    A folder wins; a revision is a branch, tag or commit. A missing file, and a hub that cannot be
    reached or does not know the id, are a `CheckpointError`.
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
                f"Model folder {folder} lacks {', '.join(missing)}{_instead(folder)}: copy every "
                "file of the published model into it."
            )
        return Checkpoint.of(folder, folder / CONFIG, weights, folder / TOKENIZER)
    if folder.exists():
        raise CheckpointError(
            f"{folder} is a file, not a model folder: pass the folder that holds {CONFIG}."
        )
    if str(source).startswith(("https://", "http://")):
        page = urlsplit(str(source)).path.strip("/").split("/")
        raise CheckpointError(
            f"{source} is the address of a page: pass the model's id"
            + (f", {'/'.join(page[:2])!r}." if len(page) > 1 else ".")
        )
    if str(source).count("/") != 1 or str(source).startswith((".", "/", "~")):
        raise CheckpointError(_NOT_FOUND.format(str(source)))
    return _download(str(source), revision)


def _instead(folder: Path) -> str:
    """Say what lies in a folder in place of a checkpoint, where that helps."""
    if any(folder.glob("pytorch_model*.bin.index.json")):
        return " (its weights lie in several .bin files: save them as safetensors)"
    if found := sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.bin")):
        return f" (it holds {', '.join(file.name for file in found[:3])})"
    inner = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))
    return f" (there is a model in its folder {', '.join(inner[:3])})" if inner else ""


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

    def first_of(names: tuple[str, ...]) -> Path:
        for name in names[:-1]:
            try:
                return fetch(name)
            except LocalEntryNotFoundError:
                # Offline: the cache may hold another kind of file.
                continue
            except EntryNotFoundError:
                continue
        return fetch(names[-1])

    offline = (
        f"Model {repo!r} is neither a folder here, nor in the Hugging Face cache, nor can the hub "
        "be reached: connect once to download it, or copy the model's folder here and pass its "
        "path."
    )
    try:
        config = fetch(CONFIG)
        tokenizer = fetch(TOKENIZER)
        weights = first_of(WEIGHTS)
        if weights.name == INDEX:
            named = read_json(weights, CheckpointError).get("weight_map")
            for name in sorted(set(named.values())) if isinstance(named, dict) else ():
                fetch(name)
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
    if getproxies().keys() & {"http", "https", "all", "socks"}:
        return True  # a proxy finds the hub where we cannot: let the client try
    url = urlsplit(constants.ENDPOINT)
    try:
        port = url.port or (80 if url.scheme == "http" else 443)
        socket.create_connection((url.hostname, port), timeout=5).close()
    except OSError:
        return False
    return True


def read_config(path: Path) -> Dnabert2Config:
    """Read a `config.json`, ours or the published one (which has no usable ``model_type``).

    One that is no JSON, is of another architecture, or describes an impossible shape is a
    `CheckpointError`.
    """
    values = read_json(path, CheckpointError, editable=True)
    # Ours, none, or "bert": the remote code's configuration calls itself bert.
    if (values.get("model_type") or "bert") not in ("bert", Dnabert2Config.model_type):
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
    names, count = values.get("id2label"), values.get("num_labels")
    if isinstance(names, dict) and count is not None and len(names) != count:
        raise CheckpointError(
            f"{path} says num_labels {count}, and names {len(names)} classes in id2label: correct "
            "one of them."
        )
    try:
        return Dnabert2Config(**{k: v for k, v in values.items() if k in _READ})
    except (TypeError, ValueError, AttributeError, StrictDataclassError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} does not describe a DNABERT-2: {reason}") from error


def check_classes(path: Path, config: Dnabert2Config, rows: int) -> None:
    """Fit a configuration to a head: its classes must be as many, if it tells of any.

    Otherwise nobody knows which name belongs to which row: that is a `CheckpointError`.
    """
    values = read_json(path, CheckpointError, editable=True)
    if values.get("id2label") is None and values.get("num_labels") is None:
        config.num_labels = rows  # nobody named them: LABEL_0, LABEL_1, …
    elif config.num_labels != rows:
        names = ", ".join(str(name) for name in config.id2label.values())
        raise CheckpointError(
            f"{path} tells of {config.num_labels} classes ({names[:100]}), the classifier has "
            f"{rows}: correct id2label there, one name a row."
        )


def load_network(
    checkpoint: Checkpoint,
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
    shared: bool = False,
) -> Dnabert2PreTrainedModel:
    """Build the network a checkpoint holds as a transformers model, and fill every weight of it.

    In eval mode, on the CPU; all else is as for `load_bare`, of whose modules and weights it is
    made.
    """
    from ..modeling import pretrained_of

    return pretrained_of(load_bare(checkpoint, dtype, attention, shared))


def load_bare(
    checkpoint: Checkpoint,
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
    shared: bool = False,
) -> BareNetwork:
    """Build the network a checkpoint holds, and fill every weight of it; in eval mode, on the CPU.

    The head follows the weights: a classifier, the masked-LM head, or none. The pooler is built for
    a classifier only, because the published checkpoint has none. With `shared`, weights whose type
    changes are kept in the cache, so that the processes of a machine share them (see
    `network.converted`). Those that keep their type always are.

    A weight that is missing, unexpected or of another shape is a `CheckpointError` that lists all
    of them; so is a configuration that speaks of another network, head or tokenizer than lie beside
    it. An attention backend that would drop ALiBi is a ValueError.
    """
    config = read_config(checkpoint.config)
    config._attn_implementation = refuse_backend(attention)
    check_vocabulary(config, checkpoint.tokenizer)
    state = read_state(checkpoint.weights, checkpoint.parts)
    check_sizes(config, state, checkpoint.weights)
    network_class: type[BareNetwork]
    if "classifier.weight" in state:
        network_class = BareClassifier
        check_classes(checkpoint.config, config, state["classifier.weight"].shape[0])
    elif any(name.startswith("cls.predictions.") for name in state):
        network_class = BareMaskedLM
    else:
        network_class = BareEncoder
        state = {name.removeprefix("bert."): tensor for name, tensor in state.items()}
    with torch.device("meta"), Unfilled():  # random weights would only be overwritten
        network = (
            BareEncoder(config, add_pooling_layer=False)
            if network_class is BareEncoder
            else network_class(config)
        )
    _check_keys(network, state, checkpoint.weights)
    wanted = network.state_dict().keys()
    kept = {name: tensor for name, tensor in state.items() if name in wanted}
    # The parts of a model in several files have no copy in the cache.
    shared = shared and not checkpoint.parts
    kept = convert(kept, checkpoint.weights, checkpoint.stamp, dtype, shared)
    network.load_state_dict(kept, strict=False, assign=True)
    network.tie_weights()
    network.requires_grad_(True)
    network.config.dtype = dtype
    return network.eval()


def _check_keys(network: BareNetwork, state: dict[str, torch.Tensor], path: Path) -> None:
    """Raise unless `state` fills `network` exactly; a pooler nobody trained is no loss."""
    expected = network.state_dict()
    # Tied to the embeddings, so that a file may leave it out, but not say otherwise.
    tied = {DECODER} if network.config.tie_word_embeddings else set()
    if tied & state.keys() and not torch.equal(state[DECODER], state[EMBEDDINGS]):
        raise CheckpointError(
            f"{path} holds a decoder that is not its word embeddings, while its config.json ties "
            'the two: add "tie_word_embeddings": false to config.json if that is meant.'
        )
    refuse(
        {
            "missing": [name for name in expected if name not in state and name not in tied],
            "unexpected": [
                name
                for name in state
                if name not in expected and "pooler." not in name and "position_ids" not in name
            ],
            "of another shape": misshapen(
                state, {name: tuple(tensor.shape) for name, tensor in expected.items()}
            ),
        },
        type(network).__name__,
        path,
    )
