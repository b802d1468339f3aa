"""Calls that take one sequence or many: results in order, one progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from ..common.progress import Progress, split
from ..encoder import Bases, Encoder
from ..errors import InputError
from ..sequences.given import is_one, listed

__all__ = ["OneOrMany", "one_or_many"]

P = ParamSpec("P")
T = TypeVar("T")


class OneOrMany(Protocol[P, T]):
    """A call whose second argument is a sequence, or several."""

    __name__: str

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a str is also an iterable of str
        self, enc: Encoder, sequences: Bases, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    @overload
    def __call__(
        self, enc: Encoder, sequences: Iterable[Bases], *args: P.args, **kwargs: P.kwargs
    ) -> list[T]: ...


def one_or_many(call: Callable[Concatenate[Encoder, Bases, P], T]) -> OneOrMany[P, T]:
    """Let a call of one sequence take many; it has a keyword ``progress``.

    Several are computed one after the other, with the same arguments. What is wrong with one of
    them says which.
    """

    @wraps(call)
    def each(enc: Encoder, sequences: Any, *args: Any, **kwargs: Any) -> Any:
        if is_one(sequences):
            return call(enc, sequences, *args, **kwargs)
        every = listed(sequences)
        progress: Progress | None = kwargs.pop("progress", None)
        found = []
        for number, (one, within) in enumerate(
            zip(every, split(progress, [1] * len(every)), strict=True)
        ):
            try:
                found.append(call(enc, one, *args, **(kwargs | {"progress": within})))
            except InputError as error:
                raise InputError(f"Sequence {number + 1} of {len(every)}: {error}") from None
        return found

    return each
