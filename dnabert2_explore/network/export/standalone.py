"""A model folder with its own code file, which plain transformers runs if the user trusts it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open

from ...common.files import filling
from ..checkpoints.card import CARD, HEADS, Card
from ..checkpoints.load import Checkpoint, find_checkpoint, load_network, read_config
from ..checkpoints.saving import save_model
from ..modeling import Dnabert2PreTrainedModel
from ..plain import modeling_dnabert2 as plain

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["export_transformers", "keep_card", "standalone_network"]

_CODE = ("blocks_dnabert2.py", "configuration_dnabert2.py", "modeling_dnabert2.py")


def export_transformers(
    source: str | Path, folder: str | Path, dtype: torch.dtype | None = None
) -> Path:
    """Write a model so that transformers alone can load it.

    The folder holds the weights, the tokenizer, and three code files of this package, which
    ``from_pretrained(folder, trust_remote_code=True)`` runs. With dnabert2-explore imported, the
    same folder loads without that code.

    Parameters
    ----------
    source : path or str
        Model folder or hub id.
    folder : path
        Made if needed; files of the same name are replaced. All of them are written, or none.
    dtype : torch.dtype, optional
        Of the weights; by default as in `source`.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CheckpointError
        If `source` is no DNABERT-2.
    OSError
        If the disk is full, or the folder cannot be written.
    """
    checkpoint = find_checkpoint(source)
    network = load_network(checkpoint, torch.float32)
    folder = Path(folder)
    head, _ = HEADS[type(network).__name__]
    auto = {"AutoConfig": "configuration_dnabert2.Dnabert2Config"}
    auto |= {name: f"modeling_dnabert2.{cls}" for cls, (name, _) in HEADS.items()}
    with filling(folder) as fresh:
        limits = keep_card(checkpoint, folder, fresh)
        save_model(
            network,
            fresh,
            checkpoint.tokenizer,
            dtype or type_of(checkpoint),
            card=Card(title=checkpoint.folder.resolve().name, limits=limits),
            more={"auto_map": auto},
            usage=_USAGE.format(auto=head),
        )
        for name in _CODE:
            shutil.copyfile(Path(plain.__file__).with_name(name), fresh / name)
    return folder


def keep_card(checkpoint: Checkpoint, folder: Path, fresh: Path) -> tuple[str, ...]:
    """Copy the card of the model exported; return what to say of it, and of its vectors.

    The card of `folder` itself is not copied beside itself; files are written into `fresh` until
    they are all there.
    """
    vectors: tuple[str, ...] = ()
    if layers := read_config(checkpoint.config).embedding_layers:
        words = ", ".join(map(str, layers))
        vectors = (
            f"What `dnabert2_explore` embeds with it is not the mean of the last layer: means over "
            f"tokens of layers {words} stand side by side (0 is the embeddings).",
        )
    for name in (CARD, "MODEL_CARD.md"):
        if (checkpoint.folder / name).is_file() and checkpoint.folder.resolve() != folder.resolve():
            shutil.copyfile(checkpoint.folder / name, fresh / ORIGINAL)
            said = f"Exported: data, training and scores are in {ORIGINAL}, the original's card."
            return (said, *vectors)
    return ("Exported from a model without a card.", *vectors)


#: The card of the model that was exported.
ORIGINAL = "ORIGINAL_CARD.md"

_USAGE = """\
With transformers 5 alone, running the three code files of this folder (read them first):

```python
from transformers import {auto}, PreTrainedTokenizerFast

tokenizer = PreTrainedTokenizerFast.from_pretrained("path/to/this/folder")
model = {auto}.from_pretrained("path/to/this/folder", trust_remote_code=True)
out = model(**tokenizer(["ACGTACGTTTGACA"], return_tensors="pt"))
```

With dnabert2-explore, faster and without code from this folder: `import dnabert2_explore` before
the same lines, and no `trust_remote_code`; or `dnabert2_explore.load("path/to/this/folder")`.

Sequences are upper-case A, C, G and T; anything else becomes [UNK] in silence."""


def type_of(checkpoint: Checkpoint) -> torch.dtype:
    """Return the number type of a checkpoint's weights; float32 for the older format."""
    if checkpoint.weights.suffix != ".safetensors":
        return torch.float32
    with safe_open(checkpoint.weights, framework="pt") as weights:
        names = list(weights.keys())
        return weights.get_tensor(names[0]).dtype


def standalone_network(network: Dnabert2PreTrainedModel) -> PreTrainedModel:
    """Build the standalone network with the same weights, in eval mode."""
    values: dict[str, Any] = network.config.to_dict()
    values.pop("dtype", None)
    cls = getattr(plain, type(network).__name__)
    config = cls.config_class.from_dict(values)
    if type(network).__name__ == "Dnabert2Model":
        copy = cls(config, add_pooling_layer=network.pooler is not None)
    else:
        copy = cls(config)
    copy.load_state_dict(network.state_dict())
    return copy.to(network.dtype).eval()
