"""What work takes: how it is written, and a warning before what is long and nobody follows."""

from __future__ import annotations

import warnings

from .errors import LongWorkWarning

__all__ = ["LONG", "RATE", "duration", "pass_seconds", "tell_cost"]

#: Seconds above which the cost of work is said before it starts.
LONG = 10.0
#: Floating-point operations a second that one core of a laptop reaches here, about.
RATE = 6e10
#: Bases of a token, about.
_BASES_PER_TOKEN = 5


def pass_seconds(parameters: int, bases: int) -> float:
    """Estimate what one pass through a network takes one core, attention left out.

    Parameters
    ----------
    parameters : int
        Of its layers, each of which multiplies once a token.
    bases : int
    """
    return 2 * parameters * bases / _BASES_PER_TOKEN / RATE


def duration(seconds: float) -> str:
    """Say how long something takes.

    Examples
    --------
    >>> duration(42), duration(600)
    ('42 s', '10 min')
    """
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def tell_cost(what: str, seconds: float) -> None:
    """Warn before work of more than `LONG` seconds that nobody follows.

    Parameters
    ----------
    what : str
        What takes long, to begin a sentence with.
    seconds : float
        About how many.

    Warns
    -----
    LongWorkWarning
    """
    if seconds > LONG:
        warnings.warn(
            f"{what} takes about {duration(seconds)} of a processor: give progress= to follow it, "
            "interrupt it to stop.",
            LongWorkWarning,
            stacklevel=3,
        )
