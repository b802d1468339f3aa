"""The program of a warm kernel's spec: asks the nest of ``warm.py`` for a fork, and stands for it.

Run by its path with the standard library alone, so that it starts in an instant.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress


def main(place: str, connection: str) -> int:
    """Stand for a forked kernel until it ends."""
    nest = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    for _ in range(600):
        try:
            nest.connect(place)
            break
        except OSError:  # the nest is only being built
            time.sleep(0.1)
    else:
        print("The nest of warm kernels does not answer.", file=sys.stderr)
        return 1
    asked = {
        "connection": connection,
        "environ": dict(os.environ),
        "folder": os.getcwd(),
    }
    socket.send_fds(nest, [json.dumps(asked).encode() + b"\n"], [0, 1, 2])
    answer = b""
    while not answer.endswith(b"\n"):
        part = nest.recv(64)
        if not part:
            return 1
        answer += part
    kernel = int(answer)

    def hand_on(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(kernel, number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hand_on)
    while nest.recv(64):  # until the kernel ends
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
