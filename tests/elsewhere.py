"""A device that is not the CPU, where there is none: torch's "meta", with values.

A GPU refuses what mixes its tensors with the CPU's, and gives no arrays. So does this: every tensor
"on" the stand-in holds a tensor of the CPU that computes, and an operation that gets both kinds
raises. ``elsewhere()`` turns that on; networks go there by ``.to(ELSEWHERE)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ELSEWHERE = torch.device("meta")
CPU = torch.device("cpu")

_COPIES = {"copy_", "_to_copy"}
_INDEXED = {"index", "index_put_", "index_put", "_index_put_impl_"}


class There(torch.Tensor):
    """A tensor of the stand-in; `here` holds its values."""

    here: torch.Tensor

    @staticmethod
    def __new__(cls, here: torch.Tensor):
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            here.size(),
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=ELSEWHERE,
            requires_grad=here.requires_grad,
        )
        made.here = here
        return made

    def __repr__(self) -> str:
        return f"There({self.here!r})"

    def tolist(self):
        return self.here.tolist()  # as a GPU's; torch has none for tensors of other classes

    def numpy(self, **options):
        raise TypeError("can't convert a tensor of another device to numpy: use Tensor.cpu() first")

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _computed(operation, args, kwargs or {})


class _Watch(TorchDispatchMode):
    """Makes there what is asked for there: torch.arange(…, device=…) has no tensor to ask."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _computed(operation, args, kwargs or {})


class _Numbers(TorchFunctionMode):
    """Tensors of Python's numbers, and lists as indices, are made where no other mode sees it."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        places = (torch.Tensor.__getitem__, torch.Tensor.__setitem__)
        if function in places and isinstance(args[1], list | np.ndarray):
            return function(args[0], torch.as_tensor(args[1]), *args[2:])
        if function is torch.tensor and (device := kwargs.pop("device", None)) is not None:
            return function(*args, **kwargs).to(device)
        return function(*args, **kwargs)


def _computed(operation, args, kwargs):
    name = operation._schema.name.partition("::")[2]
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
    there = any(isinstance(one, There) for one in tensors)
    if any(one.is_meta and not isinstance(one, There) for one in tensors):
        raise NotImplementedError(f"{operation} got a tensor without values")
    apart = [] if name in _COPIES else tensors
    if name in _INDEXED and isinstance(args[0], There):  # by places that may be the CPU's
        apart = [one for one in (args[0], *args[2:]) if isinstance(one, torch.Tensor)]
    # A number, which has no dimensions, goes anywhere.
    if len({isinstance(one, There) for one in apart if one.dim()}) > 1:
        raise RuntimeError(f"Expected all tensors to be on the same device: {operation}")
    wanted = kwargs.get("device")
    goes = there if wanted is None else torch.device(wanted) == ELSEWHERE
    if name == "copy_":
        goes = isinstance(args[0], There)
    if wanted is not None:
        kwargs = kwargs | {"device": CPU}
    here = tree_map(lambda one: one.here if isinstance(one, There) else one, (args, kwargs))
    found = operation(*here[0], **here[1])
    if not goes:
        return found
    if name.endswith("_") and isinstance(args[0], There):
        return args[0]  # written in place
    views = any(one.alias_info is not None for one in operation._schema.returns)
    # A view is of its base's kind, whichever mode is on.
    kind = tensors[0].is_inference() if views and there else torch.is_inference_mode_enabled()
    with torch.inference_mode(kind):
        return tree_map(lambda one: There(one) if isinstance(one, torch.Tensor) else one, found)


@contextmanager
def elsewhere() -> Iterator[torch.device]:
    """Have the stand-in's tensors made and kept apart; yields the device."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)  # tied weights stay tied
    try:
        with _Watch(), _Numbers():
            yield ELSEWHERE
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
