"""Calls that take one sequence or many: results in order, one progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from ..encoder import Bases, Encoder
from ..errors import InputError
from ..sequences.given import is_one, listed

__all__ = ["OneOrMany", "one_or_many"]

P = ParamSpec("P")
T = TypeVar("T")

#: Steps of a progress bar that each sequence of several takes.
STEPS = 1000


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
        progress: Callable[[int, int], None] | None = kwargs.pop("progress", None)
        found = []
        for number, one in enumerate(every):

            def within(done: int, total: int, number: int = number) -> None:
                if progress is not None:
                    share = STEPS * done // max(total, 1)
                    progress(STEPS * number + share, STEPS * len(every))

            try:
                found.append(call(enc, one, *args, **(kwargs | {"progress": within})))
            except InputError as error:
                raise InputError(f"Sequence {number + 1} of {len(every)}: {error}") from None
        return found

    return each
