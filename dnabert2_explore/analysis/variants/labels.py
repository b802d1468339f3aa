"""What is known of variants: from an INFO field, or from a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike

from ...errors import InputError
from ...sequences.reading.letters import whole_number
from ...sequences.reading.opening import open_path
from ...sequences.reading.table import Table
from ...sequences.variants.tables import COLUMNS, column_names, open_calls

__all__ = ["Key", "VariantLabels", "read_labels"]

#: Contig, position from 1, REF and ALT, as they are written in the VCF.
Key = tuple[str, int, str, str]


@dataclass(frozen=True, slots=True)
class VariantLabels:
    """Variants of two classes, and what was left out; `str` of it is the count of every word.

    Attributes
    ----------
    known : dict of (contig, position from 1, ref, alt) to bool
    words : dict of str to int
        How many variants have each label, the most frequent first.
    positive, negative : frozenset of str
        The labels of the two classes.
    twice : int
        Variants with two different labels, which are left out.
    """

    known: dict[Key, bool]
    words: dict[str, int]
    positive: frozenset[str]
    negative: frozenset[str]
    twice: int = 0

    def __str__(self) -> str:
        lines = [f"{len(self.known):,} variants of two classes"]
        for word, count in self.words.items():
            kind = (
                "positive" if word in self.positive
                else "negative" if word in self.negative
                else "left out"
            )  # fmt: skip
            lines.append(f"  {count:>9,}  {kind:<9} {word}")
        if self.twice:
            lines.append(f"  {self.twice:>9,}  left out  (two different labels)")
        return "\n".join(lines)


def read_labels(
    source: str,
    calls: str | PathLike[str],
    positive: Iterable[str] = (),
    negative: Iterable[str] = (),
) -> VariantLabels:
    """Read what is known of variants: from ``"INFO/KEY"`` of the calls, or a table of that path.

    A CSV or TSV with the columns contig (or chrom), position (or pos, from 1), ref, alt and label.
    Variants with any other label than those of the two classes (uncertain, conflicting, not
    provided) are left out; of 1 and 0 the classes need not be named. Raises InputError where there
    are no labels, it is not said which are positive and which are negative, or one that is named is
    nowhere.
    """
    if source.startswith("INFO/"):
        found = _from_info(source.removeprefix("INFO/"), calls)
    else:
        found = _from_table(source)
    labels: dict[Key, str] = {}
    twice: set[Key] = set()
    for key, word in found:
        if labels.setdefault(key, word) != word:
            twice.add(key)
    for key in twice:
        del labels[key]
    if not labels:
        raise InputError(f"{source}: no variant has a label: check the name.")
    words = dict(Counter(labels.values()).most_common())
    two = _classes(source, words, positive, negative)
    known = {key: word in two[0] for key, word in labels.items() if word in two[0] | two[1]}
    return VariantLabels(known, words, *two, len(twice))


def _classes(
    source: str, words: dict[str, int], positive: Iterable[str], negative: Iterable[str]
) -> tuple[frozenset[str], frozenset[str]]:
    two = frozenset(positive), frozenset(negative)
    if not any(two) and set(words) <= {"0", "1"}:
        two = frozenset({"1"}), frozenset({"0"})
    some = ", ".join(f"{word} ({count:,})" for word, count in list(words.items())[:12])
    some += ", …" if len(words) > 12 else ""
    if not all(two):
        raise InputError(
            f"{source}: the labels are {some}; say which of them are the two classes "
            "(--positive LABEL and --negative LABEL, each may be repeated); all others are left "
            "out."
        )
    both = two[0] & two[1]
    if both:
        raise InputError(f"{min(both)!r} is named as positive and as negative: choose one.")
    absent = sorted((two[0] | two[1]) - set(words))
    if absent:
        raise InputError(
            f"{source}: no variant has the label {absent[0]!r}; the labels are {some}: name these "
            "as they are written."
        )
    return two


def _from_info(key: str, calls: str | PathLike[str]) -> list[tuple[Key, str]]:
    found: list[tuple[Key, str]] = []
    for record in open_calls(calls):
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
                    found.append((key_of, word))
    return found


def _from_table(path: str) -> list[tuple[Key, str]]:
    own = {name for names in COLUMNS.values() for name in names} | {"label"}
    found: list[tuple[Key, str]] = []
    with open_path(path, "expected a table of labels") as text:
        table = Table(text, path, own, own)
        names = column_names(table.columns, path)
        if "label" not in table.columns or "position" not in names:
            raise InputError(
                f"{path}, line {table.line} names no column label; expected contig, position, ref, "
                "alt and label: name them so."
            )
        for number, row in table:
            written = row[names["position"]]
            position = whole_number(written.replace(",", ""))
            if position is None:
                raise InputError(
                    f"{path}, line {number}: position {written!r} is no number: mend the line."
                )
            if row["label"]:
                cells = (row[names["contig"]], position, row[names["ref"]], row[names["alt"]])
                found.append((cells, row["label"]))
    return found
