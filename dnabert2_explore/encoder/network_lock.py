"""The lock of a network, which knows how the network stands when nobody works with it."""

from __future__ import annotations

import threading
from types import TracebackType
from weakref import ref

from ..network import Network
from .loading.identity import hooked

__all__ = ["NetworkLock"]


class NetworkLock:
    """Held while a network computes, so that threads do not meet in its hooks; re-entrant.

    Who holds it may hook into the network, as Captum does, and change its attention backend, and
    puts both back before letting it go. Others ask `hooked` and `attention` for what is so without
    that, and need not wait for it.
    """

    def __init__(self, network: Network) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._network = ref(network)
        self._look(network)

    def acquire(self, blocking: bool = True) -> bool:
        """Take it; False if it is not waited for and another thread has it."""
        if not self._lock.acquire(blocking):
            return False
        self._depth += 1
        if self._depth == 1 and (network := self._network()) is not None:
            self._look(network)
        return True

    def release(self) -> None:
        """Give it back."""
        self._depth -= 1
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    @property
    def hooked(self) -> bool:
        """Whether somebody has hooked into the network, other than who holds the lock."""
        return self._at_rest()[0]

    @property
    def attention(self) -> str:
        """Attention backend of the network, not one that who holds the lock works with."""
        return self._at_rest()[1]

    def follow(self, network: Network) -> None:
        """Look at another object of the same modules from now on."""
        self._network = ref(network)

    def _at_rest(self) -> tuple[bool, str]:
        if self.acquire(blocking=False):  # a fresh look, but within this thread's own work
            self.release()
        return self._seen

    def _look(self, network: Network) -> None:
        self._seen = hooked(network), str(network.config._attn_implementation)
