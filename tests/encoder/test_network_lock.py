"""How a network stands, asked by who works with it and by others."""

from __future__ import annotations

import copy
import gc
import threading

import numpy as np
import pytest

import dnabert2_explore as dx

SITE = "ACGTTGCATTAGCATGCAATGATTACAGATT"


def silent(network):
    """Hook into the first MLP so that it says nothing."""
    block = next(module for name, module in network.named_modules() if name.endswith("mlp"))
    return block.register_forward_hook(lambda _module, _inputs, output: output * 0)


@pytest.fixture
def enc(model_folder, tmp_path, monkeypatch):
    """An encoder with a cache of its own."""
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", str(tmp_path / "cache"))
    return dx.load(model_folder, device="cpu")


@pytest.mark.parametrize("shared", ["alone", "shared", "left behind"])
def test_what_is_computed_under_a_hook_is_not_cached(enc, shared):
    own = enc if shared == "alone" else copy.copy(enc)
    if shared != "alone":
        assert not enc.lock.hooked
        _ = enc.network  # another object of the same modules
        if shared == "left behind":
            del enc
            gc.collect()
    for hold in (True, False):
        if hold:
            own.lock.acquire()
        hook = silent(own.module)
        assert not own.pristine
        wrong = own.embed(SITE)
        hook.remove()
        if hold:
            own.lock.release()
        assert own.pristine
        right = own.embed(SITE)
        assert not np.array_equal(wrong, right)
    assert np.array_equal(own.embed(SITE), right)


def test_a_hook_that_comes_while_another_thread_works_is_not_cached(enc, monkeypatch):
    """It was not there when that thread took the network."""
    from dnabert2_explore.encoder.vectors import cached

    vectors, hooks = cached._vectors, []

    def hooked_meanwhile(model, *rest):
        hooks.append(silent(model.module))
        return vectors(model, *rest)

    monkeypatch.setattr(cached, "_vectors", hooked_meanwhile)
    wrong = enc.embed(SITE)
    hooks.pop().remove()
    monkeypatch.undo()
    assert not np.array_equal(wrong, enc.embed(SITE))


def test_the_backend_is_the_one_in_use_for_who_changed_it(enc):
    before, seen = enc.attention, []
    with enc.lock:
        enc.network.set_attn_implementation("eager")
        assert enc.attention == enc.info.attention == "eager"
        other = threading.Thread(target=lambda: seen.append(enc.attention))
        other.start()
        other.join(10)
        enc.network.set_attn_implementation(before)
    assert seen == [before]


def test_a_lock_that_cannot_look_is_given_back(enc):
    module, stop = enc.module, threading.Event()

    def restless():
        while not stop.is_set():
            module.add_module("extra", module.bert)
            del module.extra

    thread = threading.Thread(target=restless)
    thread.start()
    for _ in range(300):
        with enc.lock:
            pass
    stop.set()
    thread.join()
    free = []
    other = threading.Thread(target=lambda: free.append(enc.lock.acquire(blocking=False)))
    other.start()
    other.join(10)
    assert free == [True]


def test_an_interrupt_while_it_is_taken_leaves_it_free(enc, monkeypatch):
    from dnabert2_explore.encoder import network_lock

    assert not enc.lock.hooked

    def interrupted(network):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(network_lock, "hooked", interrupted)
        with pytest.raises(KeyboardInterrupt), enc.lock:
            pass
    free = []
    other = threading.Thread(target=lambda: free.append(enc.lock.acquire(blocking=False)))
    other.start()
    other.join(10)
    assert free == [True]


def test_who_does_not_hold_it_cannot_give_it_back(enc):
    with pytest.raises(RuntimeError, match="does not hold"):
        enc.lock.release()
    with enc.lock:
        hook = silent(enc.module)
    assert not enc.pristine
    hook.remove()
    assert enc.pristine
