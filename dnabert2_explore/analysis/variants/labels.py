"""What is known of variants: from an INFO field, or from a table."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from ...errors import InputError
from ...sequences.vcf import VcfReader

__all__ = ["Key", "read_labels"]

#: Contig, position from 1, REF and ALT, as they are written in the VCF.
Key = tuple[str, int, str, str]


def read_labels(
    source: str, calls: str | PathLike[str], positive: Iterable[str] = ()
) -> dict[Key, bool]:
    """Read what is known of variants.

    Parameters
    ----------
    source : str
        ``"INFO/KEY"`` of the calls, or the path of a CSV or TSV with the columns contig (or
        chrom), position (or pos, from 1), ref, alt and label.
    calls : str or path-like
        The VCF.
    positive : iterable of str
        Labels that count as positive; all others are negative. Not needed for 0 and 1.

    Returns
    -------
    dict of (contig, position from 1, ref, alt) to bool

    Raises
    ------
    InputError
        If there are no labels, or it is not said which are positive.
    """
    if source.startswith("INFO/"):
        words = _from_info(source.removeprefix("INFO/"), calls)
    else:
        words = _from_table(Path(source))
    if not words:
        raise InputError(f"{source}: no variant has a label: check the name.")
    wanted = set(positive)
    kinds = sorted(set(words.values()))
    if not wanted and set(kinds) <= {"0", "1"}:
        wanted = {"1"}
    if not wanted & set(kinds):
        some = ", ".join(kinds[:8]) + (", …" if len(kinds) > 8 else "")
        raise InputError(
            f"{source}: the labels are {some}; say which of them count as positive "
            "(--positive LABEL)."
        )
    return {key: word in wanted for key, word in words.items()}


def _from_info(key: str, calls: str | PathLike[str]) -> dict[Key, str]:
    found: dict[Key, str] = {}
    for record in VcfReader(calls):
        for part in record.text.split("\t")[7].split(";") if record.variants else ():
            name, _, value = part.partition("=")
            if name != key:
                continue
            # One value for the record, or one for each allele.
            each = value.split(",")
            each = each if len(each) == len(record.variants) else [value] * len(record.variants)
            for variant, word in zip(record.variants, each, strict=True):
                if word not in ("", "."):
                    key_of = (variant.contig, variant.position + 1, variant.ref, variant.alt)
                    found[key_of] = word
    return found


def _from_table(path: Path) -> dict[Key, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table of labels ({error}).") from error
    head = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(), delimiter="\t" if "\t" in head else ",")
    names = {name.lower().lstrip("#"): name for name in rows.fieldnames or ()}
    names.setdefault("contig", names.get("chrom", ""))
    names.setdefault("position", names.get("pos", ""))
    missing = [n for n in ("contig", "position", "ref", "alt", "label") if not names.get(n)]
    if missing:
        raise InputError(
            f"{path}, line 1 names no column {', '.join(missing)}; expected contig, position, ref, "
            "alt and label: name them so."
        )
    found: dict[Key, str] = {}
    for row in rows:
        position = (row[names["position"]] or "").replace(",", "")
        if not position.isdigit():
            raise InputError(
                f"{path}, line {rows.line_num}: position {position!r} is no number: mend the line."
            )
        label = (row[names["label"]] or "").strip()
        if label:
            cells = (row[names["contig"]], int(position), row[names["ref"]], row[names["alt"]])
            found[cells] = label
    return found
