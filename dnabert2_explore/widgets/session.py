"""A workbench as a folder: models, sequences and settings in JSON, and the tables on show."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common.files import expanded, located, putting
from ..encoder import Encoder
from ..encoder.loading.recorded import load_model
from ..encoder.model_entry import model_entry
from ..errors import InputError
from ..results.records import sealed_text, versions
from ..results.sealed import read_json
from .atlas.chosen.exports import as_fasta
from .core.remember import recall, recall_selection, remembered, remembered_selection

if TYPE_CHECKING:
    from .workbench import Workbench

__all__ = ["SESSION", "VIEWS", "open_session", "read_session", "restore", "save_session"]

#: The file that makes a folder a session.
SESSION = "session.json"
#: Views that come back, and whose tables lie in the folder where there is one.
VIEWS = (
    "tokens", "attribution", "attention", "dependencies", "nucleotides", "lens", "layers",
    "features", "atlas",
)  # fmt: skip
_ROLES = ("encoder", "classifier", "embedder")
_FASTA = "sequences.fa"
#: All that a save writes: nothing else may be in a folder that it replaces.
_WRITTEN = (SESSION, _FASTA, *(f"{name}.csv" for name in VIEWS))


def save_session(bench: Workbench, folder: str | Path, *, replace: bool = False) -> Path:
    """Write all that brings a workbench back into a folder; see `Workbench.save`."""
    place = expanded(folder)
    if place.exists() and not place.is_dir():
        raise InputError(f"{place} is a file; expected the name of a folder to write.")
    if place.is_dir() and any(place.iterdir()) and not replace:
        if not (place / SESSION).is_file():
            raise InputError(
                f"{place} holds other files: name a new folder, which the session fills alone."
            )
        raise InputError(
            f"{place} holds a session already: name another folder, or save with replace=True."
        )
    _check_own(place)
    with bench.selection.lock:
        state = session_state(bench)
        tables = {}
        for name in VIEWS:
            try:
                tables[name] = getattr(bench, name).to_csv()
            except InputError:  # not computed (yet)
                continue
        state["tables"] = list(tables)
        fasta = as_fasta(bench.selection.sequences)
    with putting(place) as fresh:
        (fresh / SESSION).write_text(sealed_text(state) + "\n", encoding="ascii")
        (fresh / _FASTA).write_text(fasta, encoding="utf-8")
        for name, text in tables.items():
            (fresh / f"{name}.csv").write_text(text, encoding="utf-8")
    return place


def _check_own(place: Path) -> None:
    """Refuse to replace a folder in which anything lies that no session writes."""
    if not place.is_dir():
        return
    there = sorted(place.iterdir())
    if there and not (place / SESSION).is_file():
        raise InputError(f"{place} holds other files, which are not replaced: name a new folder.")
    for one in there:
        if one.name not in _WRITTEN or not one.is_file():
            raise InputError(
                f"{place} holds {one.name}, which no session writes and which would be lost: move "
                "it, or name a new folder."
            )


def session_state(bench: Workbench) -> dict[str, Any]:
    """Return all that brings a workbench back, as JSON holds it."""
    selection = remembered_selection(bench.selection)
    if selection["sequences"] is None:
        raise InputError(
            f"The {selection['count']:,} sequences are too long for a session: keep their file, "
            "and save a workbench of fewer."
        )
    return {
        "what": "session",
        "models": {role: model_entry(getattr(bench, role)) for role in _ROLES},
        "input": selection,
        "parameters": {name: remembered(getattr(bench, name)) for name in VIEWS},
        "maps": bench.maps.value,
        "side": bench.side.value,
    }


def read_session(folder: str | Path) -> dict[str, Any]:
    """Read what `save_session` wrote.

    InputError if the folder holds no session, or a damaged one.
    """
    place = located(folder)
    if not (place / SESSION).is_file():
        raise InputError(f"{place} holds no {SESSION}: name a folder that Workbench.save wrote.")
    found = read_json(place / SESSION)
    if found.get("what") != "session":
        raise InputError(f"{place / SESSION} is no session of a workbench.")
    return found


def open_session(
    folder: str | Path,
    *,
    encoder: Encoder | None = None,
    classifier: Encoder | None = None,
    embedder: Encoder | None = None,
) -> Workbench:
    """Bring back a workbench that `Workbench.save` wrote.

    Parameters
    ----------
    folder : str or pathlib.Path
    encoder, classifier, embedder : Encoder, optional
        In place of the session's: needed where its models are no folders of this machine.

    Returns
    -------
    Workbench
        What is not as it was (weights, versions, settings) stands below its input bar.

    Raises
    ------
    InputError
        If there is no session, it is damaged, or a model is not on this machine.
    """
    from .workbench import Workbench

    state = read_session(folder)
    given = {"encoder": encoder, "classifier": classifier, "embedder": embedder}
    models: dict[str, Encoder] = {}
    loaded: dict[str, Encoder] = {}
    for role, own in given.items():
        entry = state["models"][role]
        if own is None:
            own = loaded.get(entry["sha256"]) or load_model(entry)
            loaded[entry["sha256"]] = own
        models[role] = own
    bench = Workbench(
        models["encoder"],
        classifier=models["classifier"],
        sequences=[],
        embedder=models["embedder"],
    )
    said = restore(bench, state)
    if said:
        bench.input.say(escape("; ".join(said)) + ".")
    return bench


def restore(bench: Workbench, state: Mapping[str, Any]) -> list[str]:
    """Set a workbench as a session says; what differs is said below its input bar, and returned."""
    said = []
    for role in _ROLES:
        then, now = state["models"][role], model_entry(getattr(bench, role))
        if then["sha256"] != now["sha256"]:
            said.append(
                f"{role}: the weights are others than those of the session ({then['name']}, sha256 "
                f"{then['sha256'][:12]}…; now {now['sha256'][:12]}…)"
            )
    recall_selection(bench.selection, state["input"])
    for name in VIEWS:
        # Sessions of before a view was there say nothing of it.
        said += recall(getattr(bench, name), state["parameters"].get(name, {}))
    bench.maps.value, bench.side.value = state["maps"], state["side"]
    changed = [
        f"{name} {then} → {now}"
        for name, now in versions().items()
        if (then := state["versions"].get(name, "none")) != now
    ]
    if changed:
        said.append(f"versions: {', '.join(changed)}")
    return said
