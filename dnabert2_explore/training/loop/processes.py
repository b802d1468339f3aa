"""One process, or several that accelerate or torchrun started, under one set of verbs."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ...encoder import find_device
from ...extras import translated
from ...network.modeling import Dnabert2Layer

if TYPE_CHECKING:
    from accelerate import PartialState

__all__ = ["Processes", "find_processes", "is_main", "processes_started"]


def is_main() -> bool:
    """Whether this process is the one that prints, before anything is set up."""
    return os.environ.get("RANK", "0") == "0"


def processes_started() -> int:
    """How many processes a launcher started; without a launcher, one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def find_processes(device: str, shard: bool = False) -> Processes:
    """Join the processes a launcher started; without a launcher there is one.

    Of several processes, each takes its own device of the kind that `find_device` knows. With
    `shard` weights, gradients and optimiser are spread over them (FSDP) instead of a copy in each
    (DDP). A device that is none is an `InputError`.
    """
    found = find_device(device)
    if processes_started() == 1:
        return Processes(found)
    with translated():
        from accelerate import PartialState

    # Without precision and the like: those are the run's, and the same with and without accelerate.
    state = PartialState(cpu=found.type == "cpu")
    # Threads of the process group that outlive Python end the process with an abort.
    atexit.register(_leave)
    return _Several(state, shard)


def _leave() -> None:
    import torch.distributed as dist

    if dist.is_initialized():
        gc.collect()  # sharded modules, which hold on to the group, are cycles
        dist.destroy_process_group()
        gc.collect()


class Processes:
    """A single process: nothing to share.

    `rank` and `world` are this process's number and how many there are. `main` writes the files;
    `local_main` is the first of its machine, which fills caches; `sharing` says in words how they
    work together.
    """

    rank, world = 0, 1
    main = local_main = True
    sharded = False
    sharing = "one process"

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return what is called in training; the weights stay those of `network`."""
        return network

    def syncing(self, wrapped: nn.Module, last: bool) -> AbstractContextManager[None]:
        """Exchange gradients in the backward pass of the last micro-batch only."""
        return nullcontext()

    def sum(self, *values: float) -> tuple[float, ...]:
        """Sum of each number over the processes."""
        return values

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Whether each flag is up anywhere."""
        return tuple(count > 0 for count in self.sum(*map(float, flags)))

    def gather(self, value: Any) -> list[Any]:
        """Collect what each process has, by rank."""
        return [value]

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Run the block in the first process of each machine, then in the others."""
        yield

    def weights(self, network: nn.Module) -> Mapping[str, torch.Tensor]:
        """Whole state dict (elsewhere than on the main process it may be empty)."""
        return network.state_dict()

    def optimizer_state(
        self, network: nn.Module, optimizer: torch.optim.Optimizer
    ) -> dict[str, Any]:
        """Whole state of the optimiser, by the parameters' numbers."""
        return optimizer.state_dict()

    def set_optimizer_state(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]
    ) -> None:
        """Load what `optimizer_state` returned, with any number of processes."""
        optimizer.load_state_dict(state)


class _Several(Processes):
    """Processes that share each batch: DDP (a copy each) or FSDP (a shard each)."""

    def __init__(self, state: PartialState, sharded: bool) -> None:
        super().__init__(state.device)
        self._state = state
        self.rank, self.world = state.process_index, state.num_processes
        self.main, self.local_main = state.is_main_process, state.is_local_main_process
        self.sharded = sharded
        kind = "sharded weights (FSDP)" if sharded else "a copy of the weights each (DDP)"
        self.sharing = f"{self.world} processes, {kind}"

    def wrap(self, network: nn.Module) -> nn.Module:
        if not self.sharded:
            from torch.nn.parallel import DistributedDataParallel

            ids = [self.device] if self.device.type == "cuda" else None
            return DistributedDataParallel(network, device_ids=ids)
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        # The embeddings stay in the outermost shard: the decoder is their second name.
        mesh = init_device_mesh(self.device.type, (self.world,))
        for module in list(network.modules()):
            if isinstance(module, Dnabert2Layer):
                fully_shard(module, mesh=mesh)
        fully_shard(network, mesh=mesh)
        return network

    @contextmanager
    def syncing(self, wrapped: nn.Module, last: bool) -> Iterator[None]:
        if self.sharded:
            wrapped.set_requires_gradient_sync(last)  # type: ignore[operator]
            yield
        elif last:
            yield
        else:
            with wrapped.no_sync():  # type: ignore[operator]
                yield

    def sum(self, *values: float) -> tuple[float, ...]:
        import torch.distributed as dist

        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return tuple(tensor.tolist())

    def gather(self, value: Any) -> list[Any]:
        import torch.distributed as dist

        parts: list[Any] = [None] * self.world
        dist.all_gather_object(parts, value)
        return parts

    @contextmanager
    def main_first(self) -> Iterator[None]:
        with self._state.local_main_process_first():
            yield

    def weights(self, network: nn.Module) -> Mapping[str, torch.Tensor]:
        if not self.sharded:
            return network.state_dict()
        from torch.distributed.checkpoint import state_dict as whole

        options = whole.StateDictOptions(full_state_dict=True, cpu_offload=True)
        weights: dict[str, Any] = whole.get_model_state_dict(network, options=options)
        return weights

    def optimizer_state(
        self, network: nn.Module, optimizer: torch.optim.Optimizer
    ) -> dict[str, Any]:
        if not self.sharded:
            return optimizer.state_dict()
        from torch.distributed.checkpoint import state_dict as whole

        options = whole.StateDictOptions(full_state_dict=True, cpu_offload=True)
        found: dict[str, Any] = whole.get_optimizer_state_dict(network, optimizer, options=options)
        if not self.main:
            return {}
        # By number instead of by name, as a plain optimiser has it.
        names = [name for name, _ in network.named_parameters()]
        (group,) = found["param_groups"]
        return {
            "state": {number: found["state"][name] for number, name in enumerate(names)},
            "param_groups": [{**group, "params": list(range(len(names)))}],
        }

    def set_optimizer_state(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]
    ) -> None:
        if not self.sharded:
            optimizer.load_state_dict(state)
            return
        from torch.distributed.checkpoint import state_dict as whole

        names = [name for name, _ in network.named_parameters()]
        (group,) = state["param_groups"]
        by_name: dict[str, Any] = {
            "state": {names[number]: value for number, value in state["state"].items()},
            "param_groups": [{**group, "params": names}],
        }
        options = whole.StateDictOptions(full_state_dict=True)
        whole.set_optimizer_state_dict(network, optimizer, by_name, options=options)
