"""The program of a warm kernel's spec: asks the nest of ``warm.py`` for a fork, and stands for it.

Where the nest is gone or has no fork to give, it becomes an ordinary kernel, and says so.
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


def ask(place: str, connection: str) -> tuple[socket.socket, int]:
    """Ask the nest for a kernel; return the line to it and its process, 0 if there is none."""
    nest = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    for _ in range(600):
        try:
            nest.connect(place)
            break
        except FileNotFoundError:  # the nest is only being built
            time.sleep(0.1)
        except OSError:  # it has ended
            return nest, 0
    else:
        return nest, 0
    asked = {
        "connection": connection,
        "environ": dict(os.environ),
        "folder": os.getcwd(),
    }
    answer = b""
    try:
        socket.send_fds(nest, [json.dumps(asked).encode() + b"\n"], [0, 1, 2])
        while not answer.endswith(b"\n"):
            part = nest.recv(64)
            if not part:
                return nest, 0
            answer += part
    except ConnectionError:  # it ended, or could not fork
        return nest, 0
    return nest, int(answer)


def main(place: str, connection: str) -> int:
    """Stand for a forked kernel until it ends."""
    nest, kernel = ask(place, connection)
    if not kernel:
        print("There is no warm kernel to be had: an ordinary one is started.", file=sys.stderr)
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", "-f", connection])

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
