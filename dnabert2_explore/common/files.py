"""Writing files and folders whole or not at all; naming what a full disk refuses."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import InputError

__all__ = [
    "called",
    "expanded",
    "filling",
    "located",
    "naming",
    "putting",
    "replacing",
    "restore",
    "write_text",
]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORGOTTEN = 24 * 3600  # seconds after which nobody is still writing a temporary file
_NEW = ".new"
_SWAP = 0.5  # seconds that another process may take between two renames


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` and ``~name`` replaced by the home folder they mean.

    What is no path, and a user whom the system does not know, are an `InputError`.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"A path was given as {type(path).__name__}: give a str or a Path.")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(
            f"{str(path)!r} begins with the home folder of a user whom this system does not know: "
            "write the path out, or ./~ for a name that begins with ~."
        ) from None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add `path` to what the system says of a full disk: by itself it names no file."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block succeeds.

    A reader never sees half a result, and a run that fails leaves what was there before. Where
    `path` is a symbolic link, the file it points to is replaced. What killed processes left of the
    same file goes when it is a day old.
    """
    path = path.resolve()
    _sweep(path)
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
        )
    except OSError as error:  # nobody asked for the file it would name
        error.filename = str(path)
        raise
    os.close(handle)
    temporary = Path(name)
    try:
        with naming(path), _renaming(temporary, path):
            yield temporary
            # mkstemp makes the file private; results get the permissions any new file would.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _sweep(path: Path) -> None:
    """Remove temporary files of killed processes, which `replacing` names as mkstemp does."""
    pattern = f".{glob.escape(path.name)}.{'?' * 8}{glob.escape(path.suffix)}"
    for left in path.parent.glob(pattern):
        with suppress(OSError):  # another process was quicker, or it is another user's
            if time.time() - left.stat().st_mtime > _FORGOTTEN:
                left.unlink()


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yield an empty folder whose files go into `folder` when the block succeeds.

    `folder` is made if needed. Files of the same name are replaced, others stay; where the block
    fails, `folder` is as it was.
    """
    folder = folder.resolve()
    with _beside(folder) as fresh:
        yield fresh
        if not folder.exists():
            fresh.rename(folder)
            return
        folder.mkdir(exist_ok=True)  # says so where it is a file
        # Whole files first, folders within after them: each takes its place in one step.
        for entry in sorted(fresh.iterdir(), key=lambda one: one.is_dir()):
            place = folder / entry.name
            if entry.is_dir():
                _swap(entry, place)
            else:
                entry.replace(place)


@contextmanager
def putting(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `folder`, and of all in it, on success.

    Its files are on the disk before the name says that they are. A process that is killed between
    the two renames leaves the folder before under a hidden name, which `restore` brings back.
    """
    folder = folder.resolve()
    restore(folder)
    with _beside(folder) as fresh:
        yield fresh
        for file in fresh.rglob("*"):
            if file.is_file():
                with file.open("rb+") as handle:
                    os.fsync(handle.fileno())
        _swap(fresh, folder)


def restore(folder: Path) -> bool:
    """Bring back a folder that a process killed within `putting` had moved away.

    Says whether there was one. If it cannot be renamed (a disk that is read-only), it is an
    OSError.
    """
    folder = folder.resolve()
    old = _old(folder)
    if not old.is_dir():
        return False
    until = time.monotonic() + _SWAP
    while not folder.exists():
        if time.monotonic() < until:  # a process that lives is done in an instant
            time.sleep(_SWAP / 20)
            continue
        try:
            old.rename(folder)
        except FileNotFoundError:  # another process was quicker
            return folder.exists()
        return True
    shutil.rmtree(old, ignore_errors=True)
    return False


def located(path: str | os.PathLike[str]) -> Path:
    """Return the path of a folder, which is brought back first where `restore` can.

    So is the folder it lies in. The home folder of nobody, and a folder that cannot be renamed, are
    an `InputError`.
    """
    folder = expanded(path)
    for one in (folder.parent, folder):
        try:
            if not one.exists():
                restore(one)
        except OSError as error:
            raise InputError(
                f"{one} was being replaced when the process that did it was killed, and cannot be "
                f"brought back ({error.strerror or error}): rename {_old(one)} to {one}."
            ) from error
    return folder


def called(folder: Path) -> str:
    """Return the name that a folder has, or will have when `filling` or `putting` is done."""
    name = folder.resolve().name
    while name.startswith(".") and name.endswith(_NEW):
        name = name[1 : -len(_NEW)]
    return name


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _swap(fresh: Path, folder: Path) -> None:
    """Put one folder in the place of another, which is whole until it is gone."""
    old = _old(folder)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Make ``.<name>.new`` beside a folder; what a killed process left there is overwritten."""
    fresh = folder.with_name(f".{folder.name}{_NEW}")
    try:
        with naming(folder), _renaming(fresh, folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _renaming(temporary: Path, path: Path) -> Iterator[None]:
    """Let errors of the system name the file that was asked for, not the hidden one."""
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str):
            error.filename = error.filename.replace(str(temporary), str(path))
            error.filename2 = None
        raise
