"""The lines of Python that rebuild an atlas."""

from __future__ import annotations

from collections.abc import Iterable

from ..examples import CODE
from .choice import column_of
from .mapping.maps import LAYERS
from .mapping.spaces import GIVEN

__all__ = ["code_of"]

_VALUES = {
    "gc": "[100 * gc_content(s.bases) for s in sequences]",
    "length": "[float(len(s)) for s in sequences]",
    "label": "[s.label or 'not given' for s in sequences]",
}


def code_of(
    model: str,
    sets: Iterable[str],
    *,
    layer: int | None,
    pooling: str,
    space: str,
    method: str,
    dimensions: int = 2,
    field: str,
    colour: str,
    numeric: bool = False,
) -> str:
    """Write them.

    `model` is what `load` takes, `sets` the names of the sets of sequences. A `layer` of None is
    what the model's own vector is made of; `space` is one of `SPACES`, `method` of `METHODS`. The
    points are coloured by `colour`, whose name, with unit, is `field`, and which is numbers if
    `numeric`.
    """
    parts = [CODE.get(n, "dx.read_sequences('your_file.fa')") for n in sets]
    name = column_of(colour)
    column = f"s.fields.get({name!r}, 'not given')"
    if numeric:
        column = f"float(s.fields.get({name!r}) or 'nan')"
    value = _VALUES.get(colour, f"[{column} for s in sequences]")
    more = "from dnabert2_explore.sequences import gc_content\n" if colour == "gc" else ""
    embedded = f"enc.embed(sequences, pooling={pooling!r}, layer={layer})"
    if space == "twin":
        more += "from dnabert2_explore.encoder.loading.twin import random_twin\n"
        embedded = embedded.replace("enc.", "random_twin(enc).")
    elif space == "kmers":
        more += "from dnabert2_explore.sequences.kmers import kmer_frequencies\n"
        embedded = "kmer_frequencies([s.bases.upper() for s in sequences], 4)"
    elif space == GIVEN:
        embedded = "given.vectors"
    elif space != "model":
        more += "from dnabert2_explore.analysis.maps import remove_composition\n"
        embedded = f"remove_composition({embedded}, [s.bases for s in sequences], {space!r})"
    space_of = "" if dimensions == 2 else ", dimensions=3"
    plane = f"plane = dx.project(vectors, method={method.lower()!r}, seed=0{space_of})\n"
    if method == LAYERS:
        each = embedded.replace(f"layer={layer}", "layer=i")
        plane = (
            "numbers = range(enc.config.num_hidden_layers + 1)\n"
            f"layers = {{f'layer {{i}}': {each} for i in numbers}}\n"
            f"maps = dx.align_maps(layers{space_of})\nplane = maps.planes[{layer}]\n"
        )
    return (
        "import dnabert2_explore as dx\nfrom dnabert2_explore.figures import atlas_scatter\n"
        f"{more}\n"
        f"enc = dx.load({model!r})\n"
        + (
            "given = dx.read_embedded('your_store.zarr')  # or .h5ad\nsequences = given.sequences\n"
            if space == GIVEN
            else f"sequences = {' + '.join(parts)}\n"
        )
        + f"vectors = {embedded}\n"
        f"{plane}"
        f"atlas_scatter(plane, [s.name for s in sequences], {value}, field={field!r}, "
        f"axis={method!r})"
    )
