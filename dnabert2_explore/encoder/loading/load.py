"""From the name of a model to an encoder on a device."""

from __future__ import annotations

import json
from pathlib import Path

from ...common.files import located
from ...common.kinds import checked
from ...common.names import Backend, DType
from ...errors import InputError
from ...network import Network
from ...network.attention import BACKENDS, why_not
from ...network.attention.choose import fastest_backend
from ...network.checkpoints.load import CONFIG, find_checkpoint, load_bare, read_config
from ...network.registry import warn_of_rival
from ...results.records import note_model
from ...tokens import DnaTokenizer
from ..encoder import Encoder
from ..model_entry import model_entry
from ..vectors.cache import find_cache
from .adapters import find_base, is_adapter, merge_adapter
from .device import find_device
from .foreign import foreign_kind, load_foreign
from .precision import find_dtype
from .probes import remember_backend

__all__ = ["ATLAS_MODEL", "SHIPPED", "load"]

#: Models inside the package, by the name `load` knows them under.
SHIPPED = {
    folder.name: folder
    for folder in (
        Path(__file__).parents[2] / "models" / name
        for name in ("pocket", "pocket-atlas", "pocket-motif", "pocket-splice")
    )
}

#: The shipped model whose embeddings tell most apart: what an atlas is drawn with by default.
ATLAS_MODEL = "pocket-atlas"


@checked
def load(
    name: str | Path = "pocket",
    *,
    device: str = "auto",
    dtype: DType = "auto",
    attention: Backend = "auto",
    revision: str | None = None,
    cache: bool | str | Path | None = None,
) -> Encoder:
    """Load a model.

    Parameters
    ----------
    name : str or pathlib.Path
        ``"pocket"``, ``"pocket-atlas"``, ``"pocket-splice"`` or ``"pocket-motif"`` (shipped,
        offline; for likelihoods and attention, embeddings, splice sites, planted motifs), a model
        folder, or a hub id such as ``"zhihan1996/DNABERT-2-117M"``. A shipped name wins over a
        folder of that name; write ``"./pocket"`` for the folder. A folder with a LoRA adapter is
        merged into its base model. A folder with DNABERT (overlapping k-mers) or the Nucleotide
        Transformer (6-mers), as published, with a ``vocab.txt`` and safetensors, becomes an encoder
        that embeds.
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, …, or ``"auto"``: what the environment variable
        ``DNABERT2_EXPLORE_DEVICE`` names, else the GPU if there is one, else the CPU.
    dtype : {"auto", "float32", "bfloat16", "float16", "float64"}
        ``"auto"`` is bfloat16 where the hardware multiplies in it (GPUs since 2020; CPUs with
        avx512_bf16 or amx, for networks at least 512 wide), float32 elsewhere. Processes
        that compute on the CPU of one machine share one copy of the weights in memory; of another
        type than the file's, through a copy in the cache folder (from 64 MB on).
    attention : {"auto", "eager", "sdpa", "flex", "flash"}
        Attention backend; all are exact and keep ALiBi. ``"auto"`` is sdpa on a CPU, and on a GPU
        the first of flash, flex and sdpa that works; `Encoder.attention` says which.
    revision : str, optional
        Branch, tag or commit, for a hub id.
    cache : bool, str or pathlib.Path, optional
        Whether `Encoder.embed` keeps its vectors for the next time (up to 1 GB), or the folder
        where. By default in the user's cache folder, or where the environment variable
        ``DNABERT2_EXPLORE_CACHE`` says (``off``: nowhere).

    Returns
    -------
    Encoder

    Raises
    ------
    CheckpointError
        If the model cannot be found, read, or is no DNABERT-2.
    InputError
        If the device, dtype or backend is unknown or not available.

    Warns
    -----
    ExploreWarning
        If another package has transformers' Auto classes for ``model_type: dnabert2``.

    Examples
    --------
    >>> enc = load("pocket")
    >>> enc.tokenize("ACGTACGTTTGACA").tokens[0]
    '[CLS]'
    """
    warn_of_rival()
    where = find_device(device)
    find_dtype(dtype, where, 0)  # a misspelt name is told before a model is downloaded
    if attention != "auto" and attention not in BACKENDS:
        raise InputError(
            f"Attention backend {attention!r} would drop ALiBi or is unknown: choose 'auto' or one "
            f"of {', '.join(map(repr, BACKENDS))}."
        )
    if str(name) not in SHIPPED and (other := foreign_kind(located(name))):
        folder = located(name).resolve()
        width = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("hidden_size", 0)
        precision = find_dtype(dtype, where, width)
        return load_foreign(
            folder, other, where, precision, folder.name, find_cache(cache), str(name)
        )
    adapter = str(name) not in SHIPPED and is_adapter(name)
    checkpoint = (
        find_base(name, SHIPPED)
        if adapter
        else find_checkpoint(SHIPPED.get(str(name), name), revision)
    )
    shape = read_config(checkpoint.config)
    precision = find_dtype(dtype, where, shape.hidden_size)
    backend: str = attention
    if backend == "auto":
        heads = shape.num_attention_heads
        backend = fastest_backend(where, precision, heads, shape.hidden_size // heads)
        remember_backend(backend, where, precision)
    elif (problem := why_not(backend, where, precision)) is not None:
        raise InputError(problem)
    network: Network = (
        merge_adapter(name, checkpoint, backend).to(precision)
        if adapter
        else load_bare(checkpoint, precision, backend, shared=where.type == "cpu")
    )
    tokenizer = DnaTokenizer.from_file(checkpoint.tokenizer)
    tokenizer.anchor = network.config.anchor
    if len(tokenizer) > network.config.vocab_size:
        raise InputError(
            f"The tokenizer of {checkpoint.folder} has {len(tokenizer)} entries, the network "
            f"{network.config.vocab_size}: pass the tokenizer.json that belongs to these weights."
        )
    called = str(name)
    if called not in SHIPPED and Path(name).is_dir():
        folder = Path(name).resolve()
        # Runs keep their weights in a folder that is called like that of every other run.
        called = folder.parent.name if folder.name == "model" else folder.name
    # What an adapter was merged into is in no file, which caches and other processes would need.
    origin = None if adapter else checkpoint
    made = Encoder(network.to(where), tokenizer, called, origin, find_cache(cache), str(name))
    note_model(lambda: model_entry(made))
    return made
