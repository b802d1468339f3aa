"""A tokenizer file, read and tried: one that fails is told of when it is opened, not in use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from ..errors import CheckpointError, panicked

__all__ = ["check_backend", "read_backend", "speaking"]

#: What may stand before BPE: DNA without white space passes through these as it is. Others cut or
#: change it in silence, and a regular expression can take longer than anybody waits.
_HARMLESS = ("Whitespace", "WhitespaceSplit")

#: All words of three bases.
_TRIAL = "".join(map("".join, product("ACGT", repeat=3)))


@contextmanager
def speaking(what: str) -> Iterator[None]:
    """Turn what the tokenizers library raises into a CheckpointError that begins with `what`.

    It is written in Rust. Its errors are bare ``Exception``; where Rust panics, pyo3 raises a
    ``PanicException``, which is a BaseException and passes every ``except Exception``.
    """
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise _useless(what, error) from error
    except BaseException as error:
        if not panicked(error):
            raise
        raise _useless(what, error) from error


def _useless(what: str, error: BaseException) -> CheckpointError:
    reason = str(error).strip().splitlines()
    return _not_ours(
        f"{what} does not work ({reason[0][:150] if reason else type(error).__name__})"
    )


def _not_ours(why: str) -> CheckpointError:
    return CheckpointError(f"{why}: pass the tokenizer.json that belongs to the model.")


def read_backend(path: Path) -> Tokenizer:
    """Read a ``tokenizer.json``.

    Raises CheckpointError where it is none, or has parts that cut or change DNA otherwise than BPE.
    """
    try:
        with speaking(f"The tokenizer in {path}"):
            backend = Tokenizer.from_file(str(path))
            parts: dict[str, Any] = json.loads(backend.to_str())
    except (CheckpointError, OSError, ValueError) as error:
        reason = str(error.__cause__ or error)[:200]
        raise CheckpointError(
            f"{path} is not a tokenizer file ({reason}): download tokenizer.json again."
        ) from error
    kind = parts["model"].get("type")
    if kind != "BPE":
        raise _not_ours(f"{path} is a {kind} tokenizer, DNABERT-2's is BPE")
    foreign = [
        f"{role} {name}"
        for role, allowed in (("normalizer", ()), ("pre_tokenizer", _HARMLESS))
        for name in _kinds(parts.get(role))
        if name not in allowed
    ]
    if foreign:
        raise _not_ours(
            f"{path} changes or cuts DNA before its vocabulary does ({', '.join(foreign)}), which "
            "no DNABERT-2 was trained with"
        )
    if parts["model"].get("dropout"):
        backend.model.dropout = None  # of training: the same sequence would be cut in many ways
    return backend


def _kinds(part: dict[str, Any] | None) -> list[str]:
    """Names of the parts in a part; none for None."""
    if part is None:
        return []
    if part.get("type") == "Sequence":
        inner = part.get("pretokenizers") or part.get("normalizers") or []
        return [name for one in inner for name in _kinds(one)]
    return [str(part.get("type"))]


def check_backend(backend: Tokenizer, path: Path) -> None:
    """Cut what every DNABERT-2 tokenizer can cut, and look at it.

    Raises CheckpointError where it fails, does not know a base, loses one, or adds no [CLS] and
    [SEP].
    """
    vocabulary = backend.get_vocab()
    if max(vocabulary.values()) >= len(vocabulary):
        raise CheckpointError(
            f"{path} has {len(vocabulary)} entries with ids up to {max(vocabulary.values())}: the "
            "file is damaged; download it again."
        )
    words = [entry for entry in vocabulary if entry and not entry.strip("ACGT")]
    with speaking(f"The tokenizer in {path}"):
        whole = backend.encode(_TRIAL)
        alone = backend.encode_batch([*"ACGTN", *words, ""], add_special_tokens=False)
    unknown = vocabulary["[UNK]"]
    lost = [base for base, one in zip("ACGT", alone, strict=False) if unknown in one.ids]
    if lost:
        raise _not_ours(f"The tokenizer in {path} does not know {', '.join(lost)}")
    if len(alone[4].ids) != 1:
        raise _not_ours(f"The tokenizer in {path} does not make one token of one unknown letter")
    ends = [vocabulary["[CLS]"], vocabulary["[SEP]"]]
    if (
        [whole.ids[0], whole.ids[-1]] != ends
        or [whole.tokens[0], whole.tokens[-1]] != ["[CLS]", "[SEP]"]
        or whole.special_tokens_mask != [1, *[0] * (len(whole) - 2), 1]
    ):
        raise _not_ours(
            f"The tokenizer in {path} does not put [CLS] before a sequence and [SEP] behind it, as "
            "the model was trained"
        )
    spans = whole.offsets[1:-1]
    if [start for start, _ in spans] + [len(_TRIAL)] != [0, *(end for _, end in spans)]:
        raise _not_ours(f"The tokenizer in {path} does not keep every base")
