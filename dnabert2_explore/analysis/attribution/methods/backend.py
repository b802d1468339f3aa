"""An attention backend that a method can work with, for as long as it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

from ....encoder import Encoder

__all__ = ["differentiable", "with_gradients"]

Given = ParamSpec("Given")
Made = TypeVar("Made")


@contextmanager
def differentiable(enc: Encoder, maps: bool = False) -> Iterator[None]:
    """Hold the network's lock, for Captum's hooks, on a backend with gradients, or with `maps`.

    All backends compute the same; only "eager" forms attention maps, and compiled "flex" has no
    gradients on a CPU.
    """
    with enc.lock:  # before the backend is read: another thread may have changed it for a while
        before: str = enc.config._attn_implementation  # in use, by who called this perhaps
        needed = before
        if maps:
            needed = "eager"
        elif before == "flex" and enc.device.type == "cpu":
            needed = "sdpa"
        if needed != before:
            enc.module.set_attn_implementation(needed)
        try:
            yield
        finally:
            if needed != before:
                enc.module.set_attn_implementation(before)


def with_gradients(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Let a function build graphs also where its caller has turned them off.

    Inside ``torch.inference_mode()`` or ``no_grad()`` what it makes could else not be derived.
    """

    @wraps(function)
    def inside(*args: Given.args, **settings: Given.kwargs) -> Made:
        with torch.inference_mode(False), torch.enable_grad():
            return function(*args, **settings)

    return inside
