"""Motifs from files (MEME, JASPAR, HOMER, HOCOMOCO, CIS-BP, TRANSFAC), and to MEME's format."""

from __future__ import annotations

import gzip
import io
import math
import os
import re
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ...common.files import expanded, replacing
from ...errors import InputError
from ..reading.opening import open_bytes, open_path
from ..transform import as_dna
from .motif import ALPHABET, Motif

__all__ = ["meme_text", "read_motifs", "write_motifs"]

_EXPECTED = (
    "expected motifs as MEME ('MEME version 4'), JASPAR, HOMER or HOCOMOCO ('>'), CIS-BP "
    "('Pos A C G T') or TRANSFAC write them"
)
#: What the probabilities of a position may differ from 1 by, since files round them.
_ROUNDING = 0.02
_POS = re.compile(r"Pos\s+([ACGTU])\s+([ACGTU])\s+([ACGTU])\s+([ACGTU])\s*$", re.IGNORECASE)
_ROW = re.compile(r"([ACGTU]?)[\s|:]*\[?([^\[\]]*)\]?", re.IGNORECASE)

Lines = list[tuple[int, str]]


def read_motifs(
    source: str | os.PathLike[str] | IO[str] | IO[bytes], *, name: str | None = None
) -> list[Motif]:
    r"""Read every motif of a file or of pasted text.

    Parameters
    ----------
    source : str, path-like or open file
        A str that holds a line break is text, any other is a path. The content is

        1. MEME's text format, minimal or whole: each ``MOTIF`` with its letter-probability matrix;
        2. JASPAR's frequency matrices: ``>MA0067.3 PAX2`` and four rows, ``A [ 4 19 0 ]`` or
           bare numbers in the order A, C, G, T;
        3. a row of A, C, G and T for each position below ``>name``, as HOMER, gimme and HOCOMOCO
           write them. Four positions are told from four bases by what sums to one (or to the same
           count), and refused where that does not tell;
        4. CIS-BP: ``Pos A C G T`` and numbered rows;
        5. TRANSFAC, through Biopython.

        gzip, bzip2 and xz are told from the content.
    name : str, optional
        What to call an open file in messages and in :attr:`Motif.source`. Default: the file's
        own name.

    Returns
    -------
    list of Motif
        In the order of the source. Of two names the first is the accession; a single one is the
        name. `sites` is MEME's ``nsites`` or the largest sum of counts at a position.

    Raises
    ------
    InputError
        One sentence with file, line and the mend.

    References
    ----------
    https://meme-suite.org/meme/doc/meme-format.html, https://jaspar.elixir.no/docs,
    http://homer.ucsd.edu/homer/motif/creatingCustomMotifs.html

    Examples
    --------
    >>> (motif,) = read_motifs(">MA0000.1 EX\nA [9 0]\nC [0 0]\nG [0 9]\nT [0 0]\n")
    >>> motif.label, motif.consensus, motif.sites
    ('EX (MA0000.1)', 'AG', 9)
    """
    if isinstance(source, str) and "\n" in source:
        return _parse(source, name or "The pasted text", name or "pasted")
    if isinstance(source, str | os.PathLike):
        with open_path(source, _EXPECTED) as text:
            return _parse(text.read(), os.fspath(source), name or Path(source).name)
    if not callable(getattr(source, "read", None)):
        raise InputError(
            f"Motifs cannot be read from {type(source).__name__}; {_EXPECTED}: give a path, text "
            "or an open file."
        )
    own = getattr(source, "name", None)
    name = name or (own if isinstance(own, str) else "The open file")
    data = source.read()
    if isinstance(data, str):
        return _parse(data, name, name)
    with open_bytes(bytes(data), name, _EXPECTED) as text:
        return _parse(text.read(), name, name)


def write_motifs(path: str | os.PathLike[str], motifs: Iterable[Motif]) -> None:
    """Write motifs in MEME's minimal format (see `meme_text`), whole or not at all.

    Compressed where the path ends in ``.gz``. No motifs, or a file that cannot be written, are an
    `InputError`.
    """
    path = expanded(path)
    data = meme_text(motifs).encode("utf-8")
    if path.suffix == ".gz":
        # The same bytes on every run, and of every Python: 3.13 names the system otherwise.
        packed = gzip.compress(data, 9, mtime=0)
        data = packed[:9] + b"\x03" + packed[10:]
    try:
        with replacing(path) as part:
            part.write_bytes(data)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}): choose a folder that exists "
            "and is yours."
        ) from error


def meme_text(motifs: Iterable[Motif]) -> str:
    """Return motifs as a file in MEME's minimal format, with an even background.

    Probabilities have six decimals. White space in a name or accession becomes ``_``, since the
    format parts words by it; where a motif comes from is not kept. No motifs are an `InputError`.
    """
    each = list(motifs)
    if not each:
        raise InputError("There are no motifs to write: give at least one.")
    parts = [
        f"MEME version 4\n\nALPHABET= {ALPHABET}\n\nstrands: + -\n\n"
        "Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n"
    ]
    for motif in each:
        words = ["_".join(word.split()) for word in (motif.accession, motif.name) if word.strip()]
        sites = f" nsites= {motif.sites}" if motif.sites else ""
        parts.append(
            f"\nMOTIF {' '.join(words or ['motif'])}\n"
            f"letter-probability matrix: alength= 4 w= {len(motif)}{sites}\n"
        )
        parts += [" ".join(f"{p:.6f}" for p in row) + "\n" for row in motif.probabilities]
    return "".join(parts)


def _parse(text: str, where: str, source: str) -> list[Motif]:
    text = text.lstrip("\ufeff")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    # HOCOMOCO and others begin with comments; MEME's reports with lines of stars.
    filled = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not filled:
        raise InputError(f"{where} is empty; {_EXPECTED}: give at least one motif.")
    if filled[0][1].startswith(">"):
        return _matrices(filled, where, source)
    if any(_POS.match(line) for _, line in filled):
        return _cis_bp(filled, where, source)
    if any(re.match(r"P[0O]\s+A\s+C\s+G\s+T", line) for _, line in filled):
        return _transfac(text, where, source)
    if not any(line.startswith("MEME version") for _, line in filled):
        raise InputError(
            f"{where}, line {filled[0][0]}: {_short(filled[0][1])} begins no file of motifs; "
            f"{_EXPECTED}: choose such a file."
        )
    motifs = _meme(filled, where, source)
    if not motifs:
        raise InputError(f"{where} holds no motif; expected lines 'MOTIF name': choose another.")
    return motifs


def _meme(lines: Lines, where: str, source: str) -> list[Motif]:
    motifs: list[Motif] = []
    header: tuple[int, list[str]] | None = None  # of the motif whose matrix is still to come
    at = 0
    while at < len(lines):
        number, line = lines[at]
        at += 1
        words = line.split()
        if words[0] == "ALPHABET=" and words[1:2] not in (["ACGT"], ["ACGU"]):
            raise InputError(
                f"{where}, line {number}: the alphabet is {_short(' '.join(words[1:]))}; expected "
                "ACGT: give motifs of DNA."
            )
        if words[0] == "MOTIF":
            _refuse_headless(header, where)
            # A whole MEME report goes on with "width = ...".
            header = number, [word for word in words[1:3] if word != "width"]
            if not header[1]:
                raise InputError(f"{where}, line {number}: the motif has no name: give it one.")
        elif line.startswith("letter-probability matrix"):
            if header is None:
                raise InputError(
                    f"{where}, line {number}: a matrix stands without a name; expected a line "
                    "'MOTIF name' before it: add that."
                )
            rows, at = _meme_rows(lines, at, where)
            *accession, name = header[1]
            motifs.append(Motif(name, np.array(rows), "".join(accession), _sites(line), source))
            header = None
    _refuse_headless(header, where)
    return motifs


def _refuse_headless(header: tuple[int, list[str]] | None, where: str) -> None:
    if header is not None:
        raise InputError(
            f"{where}, line {header[0]}: motif {' '.join(header[1])} has no letter-probability "
            "matrix: add it, or remove the motif."
        )


def _meme_rows(lines: Lines, at: int, where: str) -> tuple[list[list[float]], int]:
    number, header = lines[at - 1]
    about = dict(re.findall(r"(\w+)=\s*(\S+)", header))
    if about.get("alength", "4") != "4":
        raise InputError(
            f"{where}, line {number}: the matrix has {about['alength']} letters; expected "
            "alength= 4: give motifs of DNA."
        )
    rows = _rows(lines, at)
    for (place, line), row in zip(lines[at : at + len(rows)], rows, strict=False):
        if len(row) != 4 or min(row) < 0 or not math.isclose(sum(row), 1, abs_tol=_ROUNDING):
            raise InputError(
                f"{where}, line {place}: {_short(line)} is no row of a matrix; expected four "
                "probabilities, of A, C, G and T, that sum to 1: correct the line."
            )
    if not rows or about.get("w", str(len(rows))) != str(len(rows)):
        wanted = about.get("w", "at least one")
        raise InputError(
            f"{where}, line {number}: the matrix has {len(rows)} rows; expected {wanted} of four "
            "probabilities: correct the matrix or its 'w='."
        )
    return rows, at + len(rows)


def _sites(header: str) -> int:
    found = re.search(r"nsites=\s*(\d+(?:\.\d+)?)", header)
    sites = float(found[1]) if found else 0.0
    return round(sites) if sites < math.inf else 0


def _matrices(lines: Lines, where: str, source: str) -> list[Motif]:
    starts = [at for at, (_, line) in enumerate(lines) if line.startswith(">")]
    motifs = []
    for first, last in zip(starts, [*starts[1:], len(lines)], strict=True):
        number, header = lines[first]
        words = _homer(header) or header[1:].split(maxsplit=1)
        if not words:
            raise InputError(f"{where}, line {number}: the motif has no name: give it one.")
        counts = _by_position(lines[first + 1 : last], where, number)
        if counts is None:
            counts = np.array(_jaspar_rows(lines[first + 1 : last], where, number)).T
        motifs.append(_motif(words, counts, source, f"{where}, line {number}"))
    return motifs


def _motif(words: list[str], counts: NDArray[np.float64], source: str, where: str) -> Motif:
    *accession, name = words
    largest = float(counts.sum(axis=1).max())
    try:
        # Sums of 1 are probabilities, which do not tell how many sites there were.
        sites = round(largest) if 1 + _ROUNDING < largest < math.inf else 0
        return Motif(name, counts, "".join(accession), sites, source)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _homer(header: str) -> list[str]:
    """Return the name in HOMER's ``>ATGACTCATC<tab>name<tab>log-odds threshold ...``, else []."""
    cells = [cell.strip() for cell in header[1:].split("\t")]
    return [cells[1]] if len(cells) > 2 and cells[1] and _floats(cells[2]) else []


def _by_position(lines: Lines, where: str, header: int) -> NDArray[np.float64] | None:
    """Return a matrix with a row of A, C, G, T for each position; None if it has one a base."""
    rows = [_floats(line) for _, line in lines]
    if len(rows) != 4 and any(row is not None and len(row) == 4 for row in rows):
        for (number, line), row in zip(lines, rows, strict=True):
            if row is None or len(row) != 4 or min(row) < 0:
                raise InputError(
                    f"{where}, line {number}: {_short(line)} is no row of the matrix that begins "
                    f"in line {header}; expected four numbers from 0, of A, C, G and T: correct "
                    "the line."
                )
        return np.array(rows)
    if len(rows) != 4 or any(row is None or len(row) != 4 for row in rows):
        return None
    matrix = np.array(rows)
    across, down = (_even(matrix.sum(axis=axis)) for axis in (1, 0))
    if across != down:
        return matrix if across else None
    if np.array_equal(matrix, matrix.T):
        return matrix
    raise InputError(
        f"{where}, line {header}: four rows of four numbers may be four positions or four bases, "
        "and what sums to one does not tell: write 'A [', 'C [', 'G [' and 'T [' before the rows "
        "of bases, or give the motif in MEME format."
    )


def _even(sums: NDArray[np.float64]) -> bool:
    return bool(np.ptp(sums) <= _ROUNDING * max(1.0, float(sums.max())))


def _cis_bp(lines: Lines, where: str, source: str) -> list[Motif]:
    motifs: list[Motif] = []
    about: dict[str, str] = {}
    at = 0
    while at < len(lines):
        number, line = lines[at]
        at += 1
        found = _POS.match(line)
        if not found:
            key, _, value = line.partition("\t" if "\t" in line else " ")
            about[key.strip().lower()] = value.strip()
            continue
        order = [ALPHABET.index(as_dna(c)) for c in found.groups()]
        if sorted(order) != [0, 1, 2, 3]:
            raise InputError(
                f"{where}, line {number}: {_short(line)} names a base twice; expected A, C, G and "
                "T: correct it."
            )
        rows = _rows(lines, at)
        pairs = zip(lines[at : at + len(rows)], rows, strict=False)
        for position, ((place, text), row) in enumerate(pairs, 1):
            if len(row) != 5 or row[0] != position or min(row) < 0:
                raise InputError(
                    f"{where}, line {place}: {_short(text)} is no row of the matrix that begins in "
                    f"line {number}; expected the position {position} and four numbers from 0: "
                    "correct the line."
                )
        at += len(rows)
        if not rows:
            raise InputError(f"{where}, line {number}: the matrix has no rows: correct it.")
        accession = about.get("motif", "")
        names = [about[key] for key in ("tf name", "tf", "gene") if about.get(key)]
        name = next(iter(names), "") or accession or f"motif {len(motifs) + 1}"
        words = [accession, name] if accession and accession != name else [name]
        counts = np.array(rows)[:, 1:][:, np.argsort(order)]
        motifs.append(_motif(words, counts, source, f"{where}, line {number}"))
        about = {}
    return motifs


def _transfac(text: str, where: str, source: str) -> list[Motif]:
    from Bio import motifs as biopython

    try:
        found = biopython.parse(io.StringIO(text), "TRANSFAC", strict=False)
        made = []
        for number, one in enumerate(found, start=1):
            counts = np.array([one.counts[base] for base in ALPHABET]).T
            keys = {key: one.get(key) for key in ("AC", "ID", "NA")}
            name = keys["NA"] or keys["ID"] or keys["AC"] or f"motif {number}"
            words = [keys["AC"], name] if keys["AC"] and keys["AC"] != name else [name]
            made.append(_motif([str(word) for word in words], counts, source, where))
    except InputError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, UnboundLocalError) as error:
        said = " ".join(str(error).split())[:120]
        raise InputError(f"{where} cannot be read as TRANSFAC ({said}): correct it.") from error
    matrices = len(re.findall(r"^\s*P[0O]\s", text, re.MULTILINE))
    if not made or len(made) != matrices:
        raise InputError(
            f"{where} holds {matrices} TRANSFAC matrices, of which {len(made)} end with '//': "
            "correct it."
        )
    return made


def _jaspar_rows(lines: Lines, where: str, header: int) -> list[list[float]]:
    rows: dict[str, list[float]] = {}
    for number, line in lines:
        match = _ROW.fullmatch(line)
        row = _floats(match[2]) if match else None
        letter = as_dna(match[1]) if match else ""
        letter = letter or ALPHABET[len(rows) % 4]
        if row is None or letter in rows:
            raise InputError(
                f"{where}, line {number}: {_short(line)} is no row of the matrix that begins in "
                f"line {header}; expected one row each of A, C, G and T, such as 'A [ 4 19 0 ]': "
                "correct the line."
            )
        rows[letter] = row
    lengths = {len(row) for row in rows.values()}
    if len(rows) != 4 or len(lengths) != 1:
        raise InputError(
            f"{where}, line {header}: the matrix has {len(rows)} rows of "
            f"{' and '.join(map(str, sorted(lengths))) or 'no'} numbers; expected four of one "
            "length, of A, C, G and T: correct the motif."
        )
    return [rows[letter] for letter in ALPHABET]


def _floats(text: str) -> list[float] | None:
    """Return the numbers of a line; None where it holds anything else, or nothing."""
    try:
        row = [float(word) for word in text.split()]
    except ValueError:
        return None
    return row if row and all(map(math.isfinite, row)) else None


def _rows(lines: Lines, at: int) -> list[list[float]]:
    """Return the numbers of lines from one on, up to the first that holds anything else."""
    rows = (_floats(lines[place][1]) for place in range(at, len(lines)))
    return [row for row in takewhile(bool, rows) if row]


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
