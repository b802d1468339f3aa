"""The motif gym as a table, and as the Python that rebuilds it."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from ...analysis.gym import SWEEPS, Sweep
from ...common.delimited import cell, remark
from ...encoder import Encoder
from ...sequences import Sequence
from ...sequences.motifs.motif import Motif
from ..core.code import in_comment
from ..core.state import Selection
from ..examples import CODE
from .controls import SweepRequest

__all__ = ["background_code", "cell_code", "sweep_code", "table_of"]

_LONGEST = 3000  # bases to write out


def sweep_code(
    result: Sweep, asked: SweepRequest, enc: Encoder, backgrounds: str, shown: str, picked: Any
) -> str:
    """Write the lines of Python that sweep and draw.

    `asked` is what `result` answers, `backgrounds` the lines that set them, `shown` what the map
    shows, `picked` the cell looked at.
    """
    more = "".join(
        [
            f", second={_motif_code(result.second)}" if result.second is not None else "",
            f", output={asked.output!r}" if asked.output != "auto" else "",
            f", columns={_columns_code(asked.columns)}" if asked.columns else "",
            f", at={result.design.at}" if asked.columns is None else "",
            f", shuffled={asked.shuffled}" if asked.shuffled else "",
            ", only_shuffled=True" if asked.kind == "shuffled" else "",
        ]
    )
    motif = _motif_code(result.motif)
    target: Any = result.target_name if isinstance(result.target, int) else result.target
    if len(enc.classes) < 2 and enc.has_head:
        target = None
    made = "Motif(" in motif + more
    matrices = "import numpy as np\n" if made else ""
    return (
        f"{matrices}import dnabert2_explore as dx\n\n"
        f"enc = dx.load({enc.source!r})\n{backgrounds}"
        f"result = dx.marginalize(enc, backgrounds, {motif}, {target!r}, "
        f"sweep={asked.sweep!r}{more}, control=True)\n"
        f"dx.plot(result, shown={shown!r}, picked={picked!r})"
    )


def cell_code(
    picked: tuple[int, int], which: int, target: Any, method: str, steps: int, output: str
) -> str:
    """Write the lines of Python that explain a cell."""
    return (
        f"\n\nbases = result.sequence(*{picked!r}, {which})\n"
        f"dx.attribute(enc, bases, {target!r}, method={method!r}, output={output!r}, "
        f"n_steps={steps})"
    )


def background_code(selection: Selection, sequences: Items[Sequence]) -> str:
    """Write the lines of Python that set ``backgrounds`` to some sequences of the set on show."""
    name = selection.sets[selection.index]
    members = selection.peers
    places = [next(i for i in members if selection.sequences[i] is s) for s in sequences]
    places = [members.index(i) for i in places]
    if name in CODE:
        return f"backgrounds = [{CODE[name]}[i] for i in {places}]\n"
    if sum(map(len, sequences)) <= _LONGEST:
        return f"backgrounds = {[s.bases for s in sequences]!r}\n"
    return (
        "sequences = dx.read_sequences('your_file.fa')\n"
        f"backgrounds = [sequences[i] for i in {places}]  # {in_comment(sequences[0].name)} …\n"
    )


def table_of(result: Sweep) -> str:
    """Write a sweep as CSV."""
    frame = result.table()
    frame = frame.map(cell).rename(columns=cell)
    text: str = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    positions = "; positions are 0-based" if result.columns.name == "position" else ""
    head = f"{result.motif.label}: {SWEEPS[result.sweep]}; {result.target_name}; {result.model}"
    return f"{remark(head)}\n# scores and changes in {result.unit}{positions}\n{text}"


def _motif_code(motif: Motif) -> str:
    """Write a motif as an argument: its word, its accession, or its matrix."""
    if motif.accession:
        return repr(motif.accession)
    if motif.label == motif.consensus:
        return repr(motif.consensus)
    return f"dx.Motif({motif.name!r}, np.array({motif.probabilities.round(4).tolist()}))"


def _columns_code(columns: tuple[int, ...]) -> str:
    step = columns[1] - columns[0] if len(columns) > 1 else 1
    return f"range({columns[0]}, {columns[-1] + 1}, {step})"
