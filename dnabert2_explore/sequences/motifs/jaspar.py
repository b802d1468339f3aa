"""Binding profiles of transcription factors from JASPAR 2026.

The vertebrates' CORE profiles ship with the package (``data/SOURCES.md``); the others are read
from pyjaspar, which brings the whole database.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import get_args

import numpy as np

from ...common.kinds import checked
from ...common.names import Collection
from ...errors import InputError
from .files import read_motifs
from .motif import ALPHABET, Motif

__all__ = [
    "COLLECTIONS",
    "RELEASE",
    "SHIPPED",
    "as_motif",
    "as_motifs",
    "from_pyjaspar",
    "jaspar",
    "jaspar_motif",
]

RELEASE = "JASPAR 2026"
#: The collection that needs no pyjaspar.
SHIPPED = "vertebrates"
#: Taxonomic groups that have CORE profiles; all of them; and the profiles that await support.
COLLECTIONS = get_args(Collection)
_FILE = "jaspar_vertebrates.meme.gz"


def jaspar(collection: Collection = "vertebrates") -> list[Motif]:
    """Return the profiles of JASPAR 2026, the latest version of each, by accession.

    Parameters
    ----------
    collection : str
        A taxonomic group of the CORE collection (curated, non-redundant), ``"all"`` of them, or
        ``"unvalidated"`` (profiles without a second source, of all groups): one of `COLLECTIONS`.
        All but the vertebrates need pyjaspar.

    Returns
    -------
    list of Motif

    Raises
    ------
    InputError
        If there is no such collection, or it needs pyjaspar and that is not installed.

    References
    ----------
    JASPAR 2026, Nucleic Acids Research 54 (database issue), 2026, PMC12807658; CC BY 4.0.

    Examples
    --------
    >>> motifs = jaspar()
    >>> len(motifs), motifs[0].label
    (1019, 'Runx1 (MA0002.3)')
    """
    return list(_profiles(_known(collection)))


@checked
def jaspar_motif(
    name: str,
    *,
    collection: Collection = "vertebrates",
) -> Motif:
    """Return one profile of JASPAR by its accession or by the name of its factor.

    Parameters
    ----------
    name : str
        An accession, with its version (``"MA0139.2"``) or without (``"MA0139"``), or a name in any
        case (``"ctcf"``). Some factors have several profiles: their name stands for the one with
        the lowest accession, the oldest.
    collection : str
        As in `jaspar`.

    Returns
    -------
    Motif

    Raises
    ------
    InputError
        If the collection has no such profile; the nearest names are proposed.

    Examples
    --------
    >>> jaspar_motif("ctcf").label, jaspar_motif("MA0139").label
    ('CTCF (MA0139.2)', 'CTCF (MA0139.2)')
    """
    motifs = _profiles(_known(collection))
    wanted = name.strip().casefold()
    keys = [
        (m.accession.casefold(), m.accession.partition(".")[0].casefold(), m.name.casefold())
        for m in motifs
    ]
    # All accessions before any name, so that none is hidden by a factor that is called like it.
    for kind in range(3):
        for motif, key in zip(motifs, keys, strict=True):
            if wanted and key[kind] == wanted:
                return motif
    # Another version of a profile is nearer than any name; of equal names the first profile stays.
    base = wanted.partition(".")[0]
    near = [m for m, key in zip(motifs, keys, strict=True) if key[1] == base]
    if not near:
        named = {key[2]: m for m, key in reversed(list(zip(motifs, keys, strict=True)))}
        near = [named[name] for name in difflib.get_close_matches(wanted, named, n=3)]
    proposed = (
        f"did you mean {' or '.join(motif.label for motif in near)}?"
        if near
        else "give a factor's name such as CTCF, or an accession such as MA0139.2."
    )
    raise InputError(f"{RELEASE} has no profile {name!r} among its {collection}: {proposed}")


def as_motif(motif: Motif | str) -> Motif:
    """Return a motif for a word of A, C, G and T, or for a name or accession of JASPAR.

    A profile that is not among JASPAR's vertebrates is an `InputError`; take others from `jaspar`.

    Examples
    --------
    >>> as_motif("gtaagt").consensus, as_motif("CTCF").accession
    ('GTAAGT', 'MA0139.2')
    """
    if isinstance(motif, Motif):
        return motif
    text = motif.strip()
    if not text:
        raise InputError("There is no motif: give a word such as GTAAGT, or a JASPAR name.")
    return jaspar_motif(text) if set(text.upper()) - set(ALPHABET) else Motif.of_word(text)


def as_motifs(given: Motif | str | Iterable[Motif | str] | None) -> tuple[Motif, ...]:
    """Return one motif or several as `as_motif` reads each; None for all of JASPAR's vertebrates.

    Examples
    --------
    >>> [one.label for one in as_motifs(["CTCF", Motif.of_word("TGACTCA", "AP-1")])]
    ['CTCF (MA0139.2)', 'AP-1']
    """
    if given is None:
        return tuple(jaspar())
    return tuple(map(as_motif, [given] if isinstance(given, Motif | str) else given))


def from_pyjaspar(collection: Collection) -> list[Motif]:
    """Read a collection, as of `jaspar`, the vertebrates too, from the database in pyjaspar.

    That it is not installed, or has no JASPAR 2026, is an `InputError`.
    """
    try:
        from pyjaspar import jaspar_releases, jaspardb
    except ImportError as error:
        raise InputError(
            f"JASPAR's {collection} need pyjaspar, which is not installed: pip install "
            '-c constraints.txt -e ".[motifs]".'
        ) from error
    release = RELEASE.replace(" ", "")
    if release not in jaspar_releases:  # pyjaspar would print that, and fail later
        raise InputError(
            f"This pyjaspar has no {RELEASE}: pip install 'pyjaspar>=4.0' for a newer one."
        )
    database = jaspardb(release=release)
    try:
        found = database.fetch_motifs(
            collection="UNVALIDATED" if collection == "unvalidated" else "CORE",
            tax_group=None if collection in ("all", "unvalidated") else collection,
        )
    finally:
        database.conn.close()
    motifs = []
    for profile in found:
        counts = np.array([profile.counts[base] for base in "ACGT"]).T
        sites = round(float(counts.sum(axis=1).max()))
        motifs.append(Motif(profile.name, counts, profile.matrix_id, sites, _source(collection)))
    return sorted(motifs, key=lambda motif: motif.accession)


def _known(collection: Collection) -> str:
    if collection not in COLLECTIONS:
        raise InputError(
            f"JASPAR collection {collection!r} is unknown: choose one of {', '.join(COLLECTIONS)}."
        )
    return collection


def _source(collection: Collection) -> str:
    return f"{RELEASE} {'' if collection == 'unvalidated' else 'CORE '}{collection}"


@lru_cache
def _profiles(collection: Collection) -> tuple[Motif, ...]:
    if collection != SHIPPED:
        return tuple(from_pyjaspar(collection))
    with (files("dnabert2_explore") / "data" / _FILE).open("rb") as handle:
        return tuple(read_motifs(handle, name=_source(SHIPPED)))
