"""Vectors that were computed once, kept in a file for the next run."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...common.folders import CACHE_VARIABLE, cache_folder
from ...errors import warn

__all__ = ["LIMIT", "VectorCache", "find_cache"]

#: Bytes the file may take; the oldest tenth leaves when it is full.
LIMIT = 1 << 30

#: Of the table; files of another are emptied, since nothing in them is lost that cannot be made.
_VERSION = 2
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS vectors "
    '(key BLOB PRIMARY KEY, vector BLOB NOT NULL, "check" BLOB NOT NULL)'
)
_AT_ONCE = 500  # SQLite's older builds take 999 parameters


def find_cache(wanted: bool | str | Path | None) -> VectorCache | None:
    """Resolve what a caller says of the cache: a folder, or False for none.

    True and None are the usual folder, which the environment variable ``DNABERT2_EXPLORE_CACHE``
    names or turns off (``off``).
    """
    if wanted is False:
        return None
    folder = cache_folder() if wanted is None or wanted is True else Path(wanted)
    return None if folder is None else VectorCache(folder / "vectors.sqlite")


class VectorCache:
    """Vectors by key in an SQLite file, which several processes may share.

    The file is made on first use, with its folder; it may take `limit` bytes. A cache that cannot
    be read or written is never in the way: it says so once, and is left alone. Each vector is kept
    with a digest; one that was damaged on the disk is computed anew.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self.path = path
        self.limit = limit
        self._usable = True

    def __repr__(self) -> str:
        return f"<VectorCache {self.path}>"

    @staticmethod
    def key(settings: str, ids: NDArray[np.int64]) -> bytes:
        """Key of one sequence of token ids under settings (model, type, layers, pooling, …)."""
        digest = hashlib.blake2b(settings.encode(), digest_size=16)
        digest.update(ids.tobytes())
        return digest.digest()

    def get(self, keys: Iterable[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Vectors of the keys that are known, each of shape (values,), float32."""
        wanted = list(dict.fromkeys(keys))
        found: dict[bytes, NDArray[np.float32]] = {}
        if not self._usable or not wanted or not self.path.exists():
            return found
        try:
            with closing(self._open()) as connection:
                for start in range(0, len(wanted), _AT_ONCE):
                    part = wanted[start : start + _AT_ONCE]
                    marks = ",".join("?" * len(part))
                    query = f'SELECT key, vector, "check" FROM vectors WHERE key IN ({marks})'
                    for key, vector, check in connection.execute(query, part):
                        if check == _check(key, vector):
                            found[key] = np.frombuffer(vector, dtype="<f4")
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return {}
        return found

    def put(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep vectors; the oldest leave where there is no room."""
        if not self._usable or not vectors:
            return
        blobs = {key: vector.astype("<f4").tobytes() for key, vector in vectors.items()}
        rows = [(key, blob, _check(key, blob)) for key, blob in blobs.items()]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as connection, connection:
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
                self._trim(connection)
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def clear(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        # Each call its own connection: SQLite's do not move between threads.
        connection = sqlite3.connect(self.path, timeout=5)
        try:
            if _version(connection) != _VERSION:
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    if _version(connection) != _VERSION:  # no other process was quicker
                        connection.execute("DROP TABLE IF EXISTS vectors")
                        connection.execute(_SCHEMA)
                        connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _trim(self, connection: sqlite3.Connection) -> None:
        def pragma(name: str) -> int:
            (value,) = connection.execute(f"PRAGMA {name}").fetchone()
            return int(value)

        size = pragma("page_size")
        # Pages that become free are used again, so that the file stops growing.
        while (pragma("page_count") - pragma("freelist_count")) * size > self.limit:
            gone = connection.execute(
                "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors ORDER BY rowid "
                "LIMIT (SELECT COUNT(*) / 10 + 1 FROM vectors))"
            )
            if not gone.rowcount:
                break

    def _give_up(self, error: Exception) -> None:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return  # another process writes for long: this time without
        self._usable = False
        warn(
            f"The cache {self.path} cannot be used ({error}) and is left alone; vectors are "
            f"computed anew: delete the file, or set {CACHE_VARIABLE}=off."
        )


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check(key: bytes, vector: bytes) -> bytes:
    """Digest that says whether a row is the one that was written."""
    try:
        return hashlib.blake2b(key + vector, digest_size=8).digest()
    except TypeError:  # a damaged file may hold another type there
        return b""
