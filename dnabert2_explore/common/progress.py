"""How long work tells how far it is: one kind of callback, and one way to share a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import Cancelled

__all__ = ["Progress", "noting", "quiet", "split", "within"]

#: Called as progress(done, total); raises `Cancelled` to stop the work.
Progress = Callable[[int, int], None]

#: Steps of a bar that a share of one takes.
STEPS = 1000


def quiet(done: int, total: int) -> None:
    """Tell nobody."""


def within(progress: Progress | None, before: int, size: int, total: int) -> Progress:
    """Make a progress of a part that takes `size` of the whole's `total` units, after `before`.

    Whatever units the part counts in, the whole is told in its own.

    Examples
    --------
    >>> within(lambda done, total: print(done, total), 10, 4, 20)(1, 2)
    12 20
    """
    report = progress or quiet
    return lambda done, of: report(before + size * done // max(of, 1), total)


def noting(progress: Progress | None, stopped: list[Cancelled]) -> Progress:
    """Tell as before, and note who asked to stop: what is called may end in silence then."""

    def told(done: int, total: int) -> None:
        try:
            (progress or quiet)(done, total)
        except Cancelled as error:
            stopped.append(error)
            raise

    return told


def split(progress: Progress | None, shares: Iterable[int]) -> list[Progress]:
    """Make a bar of parts, each with a progress of its own, in the order of their shares.

    A share is how much of the bar the part takes, in any unit; a progress that is called as done of
    total moves the bar inside its part. Without a `progress` of the whole nobody is told.

    Examples
    --------
    >>> first, second = split(lambda done, total: print(done / total), [1, 3])
    >>> first(1, 2), second(2, 3)
    0.125
    0.75
    (None, None)
    """
    if progress is None:
        return [quiet for _ in shares]
    each = list(shares)
    whole = STEPS * sum(each)

    def part(start: int, share: int) -> Progress:
        return lambda done, total: progress(
            STEPS * start + STEPS * share * done // max(total, 1), whole
        )

    return [part(sum(each[:number]), share) for number, share in enumerate(each)]
