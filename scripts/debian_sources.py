"""Fetch Debian packages that carry real sequence, unpack them without root, and read them.

The official Docker images skip /usr/share/doc on install, so packages are never installed here:
``apt-get download`` gets the .deb and ``dpkg-deb -x`` unpacks it into a cache folder.
"""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Package", "fetch", "maf_reference"]


@dataclass(frozen=True, slots=True)
class Package:
    """An unpacked Debian package.

    Parameters
    ----------
    name, version : str
        As apt knows them.
    root : Path
        The folder that stands for ``/``.
    """

    name: str
    version: str
    root: Path

    def path(self, path: str) -> Path:
        """Return where ``path`` (absolute, as the package says) was unpacked."""
        found = self.root / path.lstrip("/")
        if not found.is_file():
            raise FileNotFoundError(f"{self.name} {self.version} has no {path}")
        return found

    @property
    def copyright(self) -> str:
        """The package's machine-readable licence file."""
        return self.path(f"/usr/share/doc/{self.name}/copyright").read_text(encoding="utf-8")


def fetch(name: str, cache: Path) -> Package:
    """Download and unpack ``name`` into ``cache`` unless it is there already.

    Raises
    ------
    subprocess.CalledProcessError
        If apt or dpkg-deb fails; what they said went to stderr.
    FileNotFoundError
        If apt brought no package file.
    """
    debs = cache / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    if not list(debs.glob(f"{name}_*.deb")):
        subprocess.run(["apt-get", "download", name], cwd=debs, check=True)
    archives = sorted(debs.glob(f"{name}_*.deb"))
    if not archives:
        raise FileNotFoundError(f"apt-get download brought no {name} into {debs}")
    archive = archives[-1]
    version = subprocess.run(
        ["dpkg-deb", "-f", str(archive), "Version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    root = cache / "unpacked" / archive.stem
    done = root.with_suffix(".done")  # written last: a half-unpacked folder is unpacked again
    if not done.exists():
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", str(archive), str(root)], check=True)
        done.touch()
    return Package(name, version, root)


def maf_reference(path: Path, species: str) -> dict[str, str]:
    """Rebuild a reference genome from the blocks of a multiple alignment (MAF, gzip).

    Parameters
    ----------
    path : Path
        The alignment.
    species : str
        The prefix of the reference's rows, e.g. ``Ztritici_IPO323``.

    Returns
    -------
    dict of str to str
        Chromosome to bases as they stand in the alignment (lower case is soft-masked); N where no
        block covers.
    """
    genome: dict[str, bytearray] = {}
    for chromosome, start, total, bases in _maf_rows(path, f"s {species}.".encode()):
        target = genome.setdefault(chromosome, bytearray(b"N" * total))
        target[start : start + len(bases)] = bases
    return {name: bytes(bases).decode("ascii") for name, bases in genome.items()}


def _maf_rows(path: Path, prefix: bytes) -> Iterator[tuple[str, int, int, bytes]]:
    with gzip.open(path, "rb") as handle:
        for line in handle:
            if not line.startswith(prefix):
                continue
            _, source, start, size, strand, total, text = line.split()
            bases = text.replace(b"-", b"")
            if strand != b"+" or len(bases) != int(size):
                raise ValueError(f"{path}: reference row at {source!r} {start!r} is inconsistent")
            yield source.split(b".", 1)[1].decode(), int(start), int(total), bases
