"""Arrays of a store that name the file where one of theirs is damaged. Importing it loads zarr."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zarr

from .errors import StoreError, damaged
from .filling.plan import WindowPlan
from .layout import COORDINATES, DOCUMENT, layer_name

__all__ = ["StoreArray", "chunk_file", "layout_digest", "open_arrays", "why_unreadable"]

#: What of an array's zarr.json says how its bytes are to be read; attributes are anybody's.
_READ_BY = ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs")

_Shape = tuple[int, ...]


class StoreArray(zarr.Array):
    """An array as zarr has it, whose damaged files are told by name."""

    def __getitem__(self, selection: Any) -> Any:
        """Read what is selected; raise StoreError where a file of it is damaged."""
        try:
            return super().__getitem__(selection)
        except IndexError:  # a selection beyond it
            raise
        except Exception as error:  # zarr, its codecs and the system each have their own kinds
            for index in range(self.cdata_shape[0]):
                reason = why_unreadable(self, index)
                if reason:
                    raise StoreError(
                        f"{chunk_file(self, index)} is damaged ({reason}): verify the store with "
                        "'dnabert2-explore embed --check', then run the same embedding again, "
                        "which computes what is damaged anew."
                    ) from error
            raise


def open_arrays(
    group: Any,
    store: Path,
    plan: WindowPlan,
    layers: tuple[int, ...],
    attributes: Mapping[str, Any],
) -> dict[str, StoreArray]:
    """Open all arrays of a store's folder, by name; raise StoreError where one is damaged."""
    n, rows, digests = plan.n_windows, plan.rows_per_chunk, attributes.get("arrays")
    hidden = attributes["hidden"]
    # Name to its shape and that of its chunks.
    shapes: dict[str, tuple[_Shape, _Shape]] = {
        layer_name(layer): ((n, hidden), (rows, hidden)) for layer in layers
    }
    shapes |= dict.fromkeys(COORDINATES, ((n,), (rows,)))
    shapes["done"] = ((plan.n_chunks,), (1,))
    return {
        # Stores of earlier versions hold no digests.
        name: _open_array(group, store, name, shape, digests and digests.get(name, ""))
        for name, shape in shapes.items()
    }


def _open_array(
    group: Any, store: Path, name: str, shapes: tuple[_Shape, _Shape], digest: str | None
) -> StoreArray:
    file = store / name / DOCUMENT
    try:
        document = json.loads(file.read_bytes())
        array = StoreArray(group[name].async_array)
        fits = (array.shape, array.chunks) == shapes
        fits = fits and digest in (None, layout_digest(document))
        reason = "" if fits else "it describes another array"
    except Exception as error:  # JSON, zarr and the system each have their own kinds
        reason = _reason(error)
    if reason:
        raise damaged(file, reason)
    return array


def chunk_file(array: zarr.Array, index: int) -> Path:
    """Return where a chunk of rows lies."""
    key = f"{array.path}/{array.metadata.encode_chunk_key((index, 0)[: array.ndim])}"
    return Path(str(array.store_path.store.root), key)  # type: ignore[attr-defined]


def why_unreadable(array: zarr.Array, index: int) -> str:
    """Say why a chunk of rows cannot be read; empty where it can, or was never written."""
    try:
        array.get_block_selection((index, 0)[: array.ndim])
    except Exception as error:  # zarr, its codecs and the system each have their own kinds
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    """Say what a library found, in a few words."""
    return f"{type(error).__name__}: {str(error)[:60]}".splitlines()[0].rstrip(": ")


def layout_digest(document: Mapping[str, Any]) -> str:
    """Digest of what an array's zarr.json says of reading it."""
    said = json.dumps([document.get(name) for name in _READ_BY], sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()
