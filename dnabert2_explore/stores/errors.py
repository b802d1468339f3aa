"""What can go wrong with a store that is no fault of the input."""

from __future__ import annotations

from ..errors import ExploreError

__all__ = ["StoreError"]


class StoreError(ExploreError, OSError):
    """A store that cannot be written or computed any further; what it holds stays readable."""
