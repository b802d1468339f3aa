"""Put a page together: model, tokenizer, runtime, examples and script in one HTML file."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from importlib.resources import files as resources
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..common.files import write_text
from ..encoder import Encoder, load
from ..errors import InputError
from ..version import __version__
from .graph import write_graph
from .runtime import Runtime, find_runtime

__all__ = ["LARGEST", "build_page"]

#: Parameters beyond which a page would take a browser minutes to open.
LARGEST = 12_000_000
_SCRIPTS = ("tokenizer.js", "engine.js", "draw.js", "app.js")
#: Settings of a byte-pair encoding that tokenizer.js does not follow.
_UNKNOWN = ("ignore_merges", "fuse_unk", "byte_fallback")
#: Examples of a kind in the menu, and bases of those that a dependency map is offered for.
_SHOWN, _MAPPED = 4, 300


def build_page(
    model: str | Path | Encoder, out: str | Path, runtime: str | Path | Runtime | None = None
) -> Path:
    """Write one HTML file in which a model computes, offline and without Python.

    Parameters
    ----------
    model : str, path or Encoder
        A shipped model, a folder, or a hub id; at most 12 million parameters.
    out : str or path
        The file to write.
    runtime : str, path or Runtime, optional
        Folder of an unpacked onnxruntime-web; by default it is fetched by npm once and kept.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the model is too large for a page, or onnxruntime-web cannot be had.
    ImportError
        Without the extra ``onnx``.
    """
    import onnx  # noqa: F401 - asked for before minutes of work, not after
    import onnxscript  # noqa: F401

    enc = model if isinstance(model, Encoder) else load(model, device="cpu", dtype="float32")
    if enc.has_head and enc.config.sequence_pairs:
        raise InputError(f"{enc.name} reads pairs of sequences, and a page shows one at a time.")
    cutting = json.loads(enc.tokenizer.backend.to_str())["model"]
    if odd := [name for name in _UNKNOWN if cutting.get(name)]:
        raise InputError(
            f"{enc.name} has a tokenizer with {' and '.join(odd)}, which the page's own does not "
            "follow: it would cut sequences into other tokens."
        )
    parameters = enc.info.parameters
    if parameters > LARGEST:
        raise InputError(
            f"{enc.name} has {parameters / 1e6:,.0f} million parameters, too many for a page that "
            f"a browser opens (at most {LARGEST / 1e6:.0f}): show it with `dnabert2-explore lab`"
        )
    found = runtime if isinstance(runtime, Runtime) else find_runtime(runtime)
    with TemporaryDirectory() as scratch:
        graph = Path(scratch) / "model.onnx"
        outputs = write_graph(enc.network, graph)
        parts = {
            "dx-model": _packed(graph.read_bytes()),
            "dx-wasm": _packed(found.wasm.read_bytes()),
            "dx-ort": _packed(found.script.read_bytes()),
            "dx-about": json.dumps(_about(enc, outputs, found.version)).replace("<", "\\u003c"),
        }
    asset = resources(__package__) / "assets"
    script = "\n".join((asset / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    style = (asset / "page.css").read_text(encoding="utf-8")
    policy = (
        "default-src 'none'; img-src data:; "
        f"script-src '{_digest(script)}' 'wasm-unsafe-eval' blob:; style-src '{_digest(style)}'"
    )
    page = (asset / "page.html").read_text(encoding="utf-8")
    filled = {
        "@POLICY@": policy,
        "@TITLE@": html.escape(f"{enc.name} · dnabert2_explore"),
        "@STYLE@": style,
        "@PARTS@": "\n".join(
            f'<script type="text/plain" id="{key}">{value}</script>' for key, value in parts.items()
        ),
        "@SCRIPT@": script,
    }
    # All at once: a name that looks like one of these stays a name.
    page = re.sub("|".join(filled), lambda found: filled[found[0]], page)
    out = Path(out)
    write_text(out, page)
    return out


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _about(enc: Encoder, outputs: tuple[str, ...], runtime: str) -> dict[str, Any]:
    """Say what the page needs to know of the model, and show of it."""
    tokenizer = json.loads(enc.tokenizer.backend.to_str())
    return {
        "name": enc.name,
        "info": str(enc.info),
        "sha256": enc.weights_sha256,
        "versions": {"dnabert2_explore": __version__, "onnxruntime-web": runtime},
        "classes": list(enc.classes),
        "regression": enc.config.problem_type == "regression",
        "multilabel": enc.config.problem_type == "multi_label_classification",
        "masked": enc.has_masked_lm,
        "layers": enc.config.num_hidden_layers,
        "heads": enc.config.num_attention_heads,
        "anchor": enc.config.anchor,
        "outputs": list(outputs),
        # With what was added to it, in order: the library's own differs from process to process.
        "vocabulary": dict(sorted(enc.tokenizer.backend.get_vocab().items(), key=itemgetter(1))),
        "merges": [" ".join(m) if isinstance(m, list) else m for m in tokenizer["model"]["merges"]],
        "lengths": enc.config.training_bases,
        "limit": enc.config.max_input_tokens if enc.has_head else None,
        "examples": _examples(enc),
        "atlas": _atlas(enc),
    }


def _examples(enc: Encoder) -> list[dict[str, str]]:
    """Sequences to begin with: of the kind that the model was trained on, where there are such."""
    from .. import demo

    by_classes = {
        ("acceptor", "donor", "neither"): demo.splice,
        ("decoy", "planted"): demo.motif,
    }
    found = by_classes.get(tuple(sorted(enc.classes)), demo.windows)()
    shown: dict[str, int] = {}
    picked = []
    for one in found:
        shown[one.label or ""] = shown.get(one.label or "", 0) + 1
        if shown[one.label or ""] <= _SHOWN:
            bases = one.bases[:_MAPPED] if enc.has_masked_lm else one.bases
            picked.append({"name": one.name, "label": one.label or "", "bases": bases})
    return picked


def _atlas(enc: Encoder) -> dict[str, Any]:
    """Two principal components of the demo windows, by which the page places a sequence."""
    from .. import demo

    windows = demo.windows()
    vectors = enc.embed(windows, layer=-1, strands="one").astype(np.float64)
    mean = vectors.mean(axis=0)
    _, sizes, axes = np.linalg.svd(vectors - mean, full_matrices=False)
    places = (vectors - mean) @ axes[:2].T
    labels = sorted({one.label or "" for one in windows})
    return {
        "mean": np.round(mean, 6).tolist(),
        "axes": np.round(axes[:2], 6).tolist(),
        "share": np.round(sizes[:2] ** 2 / (sizes**2).sum(), 4).tolist(),
        "points": np.round(places, 3).tolist(),
        "labels": labels,
        "label": [labels.index(one.label or "") for one in windows],
        "names": [one.name for one in windows],
    }
