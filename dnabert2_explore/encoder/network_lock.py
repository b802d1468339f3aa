"""The lock of a network, which knows how the network stands when nobody works with it."""

from __future__ import annotations

import threading
from weakref import WeakSet

from ..network import Network
from .loading.identity import hooked

__all__ = ["NetworkLock"]


class NetworkLock:
    """Held while a network computes, so that threads do not meet in its hooks; re-entrant.

    Who holds it may hook into the network, as Captum does, and change its attention backend, and
    puts both back before letting it go. Others that ask `hooked` and `attention` are told what was
    so when it was taken, and need not wait for it.
    """

    def __init__(self, network: Network) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._networks: WeakSet[Network] = WeakSet([network])
        self._at_rest = self._look()

    def acquire(self, blocking: bool = True) -> bool:
        """Take it; False if it is not waited for and another thread has it."""
        if not self._lock.acquire(blocking):
            return False
        try:
            if self._depth == 0:
                self._at_rest = self._look()
        except BaseException:  # Ctrl-C
            self._lock.release()
            raise
        self._depth += 1
        return True

    def release(self) -> None:
        """Give it back."""
        if not self._lock._is_owned():  # type: ignore[attr-defined]
            raise RuntimeError("This thread does not hold the network's lock.")
        self._depth -= 1
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def hooked(self) -> bool:
        """Whether anybody hooks into the network, but for another thread that works with it."""
        return self._stands()[0]

    @property
    def attention(self) -> str:
        """Attention backend of the network, not one that another thread works with."""
        return self._stands()[1]

    def follow(self, network: Network) -> None:
        """Look at another object of the same modules, too."""
        self._networks.add(network)

    def _stands(self) -> tuple[bool, str]:
        if not self._lock.acquire(blocking=False):
            return self._at_rest
        try:
            return self._look()  # also within this thread's own work
        finally:
            self._lock.release()

    def _look(self) -> tuple[bool, str]:
        attention = ""
        try:
            for network in list(self._networks):  # who asks has one
                attention = str(network.config._attn_implementation)  # they share it
                if hooked(network):
                    return True, attention
        except RuntimeError:  # somebody puts modules in just now
            return True, attention
        return False, attention
