"""Making an exported figure or table of a view again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..encoder import Encoder
from ..encoder.loading.recorded import load_model
from ..encoder.model_entry import model_entry
from ..errors import InputError
from ..results.records import unpacked
from ..sequences import Sequence
from ..widgets.core.explorer import Explorer
from ..widgets.core.remember import recall, recall_selection
from ..widgets.core.state import MINE, Selection
from .compare import Comparison, compare_models, compare_tables

__all__ = ["rebuild_view"]


def _made(kind: str, enc: Encoder, selection: Selection) -> Explorer:
    from .. import widgets

    names = "Atlas Attention Attribution Dependency Feature Layers Lens Nucleotide Token"
    views = [getattr(widgets, f"{name}Explorer") for name in names.split()]
    known: dict[str, Any] = {one.kind: one for one in views}
    if kind not in known:
        raise InputError(
            f"A view of the kind {kind!r} is not made again from a file: its record says with "
            "which model and settings to do it by hand."
        )
    view: Explorer = known[kind](enc, selection=selection)
    return view


def rebuild_view(
    path: Path,
    record: Mapping[str, Any],
    model: Encoder | None,
    sequences: Iterable[Sequence] | None,
) -> tuple[Comparison, str]:
    """Make a view again and compare its table with the file's; returned too."""
    entry = record["models"].get("enc")
    if entry is None:
        raise InputError(f"{path} was made without a model, and is not made again.")
    enc = model if model is not None else load_model(entry)
    selection = Selection()
    given = record["input"]
    if sequences is not None:
        # In place of those that were too many for the file: the same ones, in their order.
        own = list(sequences)
        sets = [name for name, count, _ in given["sets"] for _ in range(int(count))]
        with selection.together():
            selection.add(own, MINE, look=False)
            if len(sets) == len(own):
                selection.sets = tuple(sets)
            selection.update(index=max(int(given["index"]), 0))
            for name in ("bases", "view"):
                span = given[name]
                selection.update(**{name: None if span is None else tuple(span)})
    else:
        recall_selection(selection, given)
    view = _made(str(record["view"]), enc, selection)
    try:
        said = recall(view, record["parameters"])
        view.wait()
        compute = getattr(view, "compute", None)
        while compute is not None and compute.layout.display != "none":
            # Whoever asks for it to be made again has agreed to what it takes.
            compute.click()
            if compute.layout.display != "none" and not view.busy:
                break  # refused: the view says why
            view.wait()
        after = view.table
    finally:
        view.close()
    models = compare_models(entry, model_entry(enc))
    before = _table(path, record)
    if before is None:
        same = hashlib.sha256(after.encode()).hexdigest() == record["table_sha256"]
        found = Comparison([] if same else ["the numbers (they were too many to be kept)"])
    else:
        found = compare_tables(before, after)
    found.said[:0] = models + said
    return found, after


def _table(path: Path, record: Mapping[str, Any]) -> str | None:
    """Return the numbers of a file: those that stand in it, or that its record has."""
    if path.suffix == ".csv":
        return path.read_text(encoding="utf-8")
    return None if record["table"] is None else unpacked(record["table"])
