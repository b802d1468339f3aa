"""Save and open a session, at a press."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ipywidgets import HBox, Text

from ..errors import ExploreError, InputError
from .core.controls import button, hint, opens, show, toggle
from .core.limits import limits
from .session import SESSION, read_session, restore, save_session

if TYPE_CHECKING:
    from .workbench import Workbench

__all__ = ["SessionBar"]


class SessionBar(HBox):
    """The line that saves a workbench to a folder and brings one back.

    Class ``dx-session``; parts ``dx-session-button`` (opens the line), ``dx-session-folder``
    (text), ``dx-session-save``, ``dx-session-open``.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._asked = ""  # a session that a second press replaces
        self.button = toggle(
            "Session", "dx-session-button", "Save this session to a folder, or open one"
        )
        self.folder = Text(
            value="session", tooltip="Folder of the session, where this notebook runs"
        ).add_class("dx-session-folder")
        self.saving = button(
            "Save",
            "dx-session-save",
            "Save models, sequences and settings",
            lambda: self._guarded(self._save),
        )
        self.opening = button(
            "Open",
            "dx-session-open",
            "Bring the session of this folder back",
            lambda: self._guarded(self._open),
        )
        super().__init__(
            [
                hint("Folder"),
                self.folder,
                self.saving,
                self.opening,
                hint(
                    "Models by their digests, sequences and settings; tables and FASTA beside. "
                    "Open elsewhere with dx.open_session(folder)."
                ),
            ]
        )
        self.add_class("dx-session").add_class("dx-add-row")
        opens(self.button, self)
        if limits().room:  # a browser of a room writes to no folder of the server
            show(self.button, False)

    def _guarded(self, action: Callable[[], str]) -> None:
        bar = self._bench.input
        try:
            with self._bench.selection.lock:
                bar.say(action())
        except (ExploreError, OSError) as error:
            bar.say(escape(str(error)), error=True)

    def _place(self) -> Path:
        name = self.folder.value.strip()
        if limits().room:
            raise InputError("This server keeps no sessions: export figures and tables instead.")
        if not name:
            raise InputError("Type the name of a folder first.")
        return Path(name)

    def _save(self) -> str:
        place = self._place()
        there = (place.expanduser() / SESSION).is_file()
        if there and self._asked != str(place):
            self._asked = str(place)
            return f"{escape(str(place))} holds a session: press Save again to replace it."
        self._asked = ""
        folder = save_session(self._bench, place, replace=there).resolve()
        return (
            f"Saved to {escape(str(folder))}. In Python: "
            f"<code>dx.open_session({escape(repr(str(folder)))})</code>"
        )

    def _open(self) -> str:
        place = self._place()
        state = read_session(place)
        for role, entry in state["models"].items():
            own = getattr(self._bench, role)
            if entry["sha256"] != own.weights_sha256:
                raise InputError(
                    f"This session was made with {entry['name']} as {role}, and this workbench has "
                    f"{own.name}: open it with dx.open_session({str(place)!r})."
                )
        said = restore(self._bench, state)
        return escape("; ".join([f"Opened {place.resolve()}", *said]) + ".")
