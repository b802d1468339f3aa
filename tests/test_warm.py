"""The nest of warm kernels, without the imports: what it does is the same, and takes an instant."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dnabert2_explore.cli.look import warm, warm_kernel
from dnabert2_explore.cli.look.warm import _free_threads, can_fork, read_asked

pytestmark = pytest.mark.skipif(not can_fork(), reason="there are no warm kernels without forks")

#: A nest whose kernels write their folder's name to what was their client's standard output, and
#: wait; argv[2] says which forks fail.
NEST = """
import os, signal, socket, sys
from dnabert2_explore.cli.look import warm

signal.alarm(60)  # whatever happens to the test
failing, fork, forks = sys.argv[2], os.fork, []

def limited():
    forks.append(1)
    if str(len(forks)) in failing:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return fork()

def become(asking):
    try:
        asked, files = warm.read_asked(asking)
    except ConnectionError:
        os._exit(0)
    os.write(files[1], (asked["connection"] + chr(10)).encode())
    asking.sendall(f"{os.getpid()}\\n".encode())
    asking.recv(1)  # until the client is gone
    os._exit(0)

os.fork = limited
listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listening.bind(sys.argv[1] + ".new")
listening.listen(8)
os.rename(sys.argv[1] + ".new", sys.argv[1])
warm.brood(listening, become)
"""


@pytest.fixture
def nest(tmp_path):
    """Start a nest: nest(failing) returns its process and place."""
    started = []

    def start(failing: str = "") -> tuple[subprocess.Popen, str]:
        place = str(tmp_path / "nest")
        process = subprocess.Popen(
            [sys.executable, "-c", NEST, place, failing],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process, place

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stderr.close()


def client(place: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-IS", warm_kernel.__file__, place, "kernel-7.json"],
        stdout=subprocess.PIPE,
    )


def ended(process: int) -> bool:
    for _ in range(200):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_client_gets_a_fork_also_after_one_that_went_early(nest) -> None:
    process, place = nest()
    first = client(place)  # which waits until there is a nest
    assert first.stdout.readline() == b"kernel-7.json\n"
    for sent in (b"", b"{"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as early:
            early.connect(place)
            early.sendall(sent)
    line, kernel = warm_kernel.ask(place, os.devnull)
    assert kernel
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if children.exists():  # those who went early hold no fork; not every system tells
        for _ in range(200):
            if len(children.read_text().split()) == 2:
                break
            time.sleep(0.05)
        assert len(children.read_text().split()) == 2
    line.close()  # the client is gone: so is its kernel
    assert ended(kernel)
    process.stdin.close()  # the server is gone: so are all
    assert process.wait(20) == 0
    assert first.wait(20) == 0
    first.stdout.close()


def test_who_can_have_no_fork_becomes_an_ordinary_kernel(nest, monkeypatch, capsys) -> None:
    class BecameError(Exception):
        pass

    def execv(program: str, words: list[str]) -> None:
        raise BecameError(program, *words)

    monkeypatch.setattr(os, "execv", execv)
    ordinary = (sys.executable, sys.executable, "-m", "ipykernel_launcher", "-f", "k.json")
    process, place = nest("1")
    with pytest.raises(BecameError) as became:
        warm_kernel.main(place, "k.json")
    assert became.value.args == ordinary
    assert "an ordinary one is started" in capsys.readouterr().err
    line, kernel = warm_kernel.ask(place, "k.json")  # the nest is still there
    assert kernel
    line.close()
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(BecameError):  # and when it is not, nobody waits for it
        warm_kernel.main(place, "k.json")
    assert b"No warm kernel can be forked (Resource temporarily" in process.stderr.read()


def test_who_goes_before_all_was_said_is_told_from_one_who_is_slow() -> None:
    here, there = socket.socketpair()
    here.sendall(b'{"connection": ')
    here.close()
    with pytest.raises(ConnectionError):
        read_asked(there)
    there.close()


def test_kernels_have_the_threads_that_they_would_have_had() -> None:
    import numpy as np
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads() -> set[int]:
        return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    assert np.ones((2, 2)).sum() == 4
    with threadpool_limits(1, user_api="blas"):
        _free_threads({"OMP_NUM_THREADS": "2"})
        assert threads() == {2}
        _free_threads({"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"})
        assert threads() == {1}
        _free_threads({})
        assert threads() == {len(os.sched_getaffinity(0))}


def test_a_warm_kernel_is_offered_as_one_that_encrypts_what_passes_its_ports(tmp_path, monkeypatch):
    from ipykernel.kernelspec import get_kernel_dict

    monkeypatch.setattr(warm, "_NEST", "import sys; sys.stdin.read()")  # imports nothing
    with warm.warm_kernels(tmp_path) as name:
        spec = json.loads((tmp_path / "kernels" / name / "kernel.json").read_text())
    ordinary = get_kernel_dict()["metadata"]["supported_encryption"]
    assert spec["metadata"]["supported_encryption"] == ordinary == ["curve"]
