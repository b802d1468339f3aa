"""Batches without padding: the tokens of all sequences in one row, and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any

import torch

__all__ = ["Group", "Packing"]


@dataclass(frozen=True, slots=True)
class Group:
    """Sequences of equal length, which attention can take in one call.

    `start` is the first packed token of the group, `rows` are those of the padded batch.
    `positions` (length,) say where the tokens stand in the padded row, if padding lies between
    them; None where they are neighbours. ALiBi counts padding inside a sequence as distance.
    """

    start: int
    rows: tuple[int, ...]
    length: int
    positions: torch.Tensor | None


@dataclass(frozen=True, eq=False)
class Packing:
    """Where each sequence lies among packed tokens, and how a padded batch gets there and back.

    The original, too, leaves padding out of its linear layers (MosaicBERT's unpadding); here
    attention does not see it either.

    Attributes
    ----------
    batch, width : int
        Shape of the padded batch.
    groups : tuple of Group
        The sequences in packed order. Rows without tokens are in no group.
    longest : int
        Largest distance between tokens of one sequence, plus one.
    padded : bool
        Whether the batch has padding.
    device : torch.device
    found : torch.Tensor, shape (total,), or None
        `indices` that were read off a mask; None where they follow from the lengths.
    padded_maps : bool
        Whether "eager" computes through the padded attention maps it hands out, so that gradients
        reach them.
    shared : dict
        What an attention backend prepares once for all layers.
    """

    batch: int
    width: int
    groups: tuple[Group, ...]
    longest: int
    padded: bool
    device: torch.device
    found: torch.Tensor | None = None
    padded_maps: bool = False
    shared: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def dense(cls, batch: int, width: int, device: torch.device) -> Packing:
        """Describe a batch without padding."""
        groups = (Group(0, tuple(range(batch)), width, None),) if batch else ()
        return cls(batch, width, groups, width, False, device)

    @classmethod
    def from_lengths(cls, lengths: Iterable[int], device: torch.device) -> Packing:
        """Describe sequences that are packed already, of at least 1 token each.

        Neighbours of equal length attend together.
        """
        groups: list[Group] = []
        start = row = 0
        for length, equal in groupby(lengths):
            count = sum(1 for _ in equal)
            groups.append(Group(start, tuple(range(row, row + count)), length, None))
            start += count * length
            row += count
        width = max(group.length for group in groups)
        return cls(row, width, tuple(groups), width, len(groups) > 1, device)

    @classmethod
    def from_mask(cls, mask: torch.Tensor) -> Packing:
        """Read where the tokens are from an attention mask (batch, width).

        It is not 0 for tokens; padding may stand anywhere.
        """
        batch, width = mask.shape
        present = mask.detach() != 0
        lengths: list[int] = present.sum(dim=1).tolist()
        if all(length == width for length in lengths):
            return cls.dense(batch, width, mask.device)
        places = torch.arange(width, device=mask.device)
        last = torch.where(present, places, -1).amax(dim=1)
        first = torch.where(present, places, width).amin(dim=1)
        gapless: list[bool] = (last - first + 1 == present.sum(dim=1)).tolist()
        # Shortest first, so that sequences of equal length are neighbours and attend in one call.
        order = sorted((row for row in range(batch) if lengths[row]), key=lengths.__getitem__)
        groups: list[Group] = []
        start = 0
        for row in order:
            positions = None if gapless[row] else present[row].nonzero()[:, 0]
            _append(groups, start, row, lengths[row], positions)
            start += lengths[row]
        # Gaps count as distance, so a sequence with gaps may reach over the whole width.
        longest = max(1, *lengths) if all(gapless) else width
        rows = torch.tensor(order, dtype=torch.long, device=mask.device)
        sequence, column = present[rows].nonzero().unbind(dim=1)
        indices = rows[sequence] * width + column
        return cls(batch, width, tuple(groups), longest, True, mask.device, indices)

    def to(self, device: torch.device | str | int, non_blocking: bool = False) -> Packing:
        """Return it with its tensors on a device, itself if they are there.

        accelerate calls this where the layers of a network lie on several devices
        (``device_map``); each device's copy is made once for all its layers.
        """
        device = torch.device(device)
        if device == self.device:
            return self
        copies = self.shared.setdefault("copies", {})
        if device not in copies:

            def moved(tensor: torch.Tensor | None) -> torch.Tensor | None:
                return None if tensor is None else tensor.to(device, non_blocking=non_blocking)

            copies[device] = replace(
                self,
                groups=tuple(replace(g, positions=moved(g.positions)) for g in self.groups),
                found=moved(self.found),
                device=device,
                shared={},
            )
        return copies[device]

    @property
    def has_gaps(self) -> bool:
        """Whether padding lies between the tokens of a sequence."""
        return any(group.positions is not None for group in self.groups)

    @cached_property
    def indices(self) -> torch.Tensor | None:
        """Places of the tokens in the flattened batch, shape (total,); None without padding."""
        if not self.padded or self.found is not None:
            return self.found
        return self.documents * self.width + self.places

    @cached_property
    def lengths(self) -> torch.Tensor:
        """Tokens in each sequence, in packed order, shape (sequences,), int64."""
        counts = [group.length for group in self.groups for _ in group.rows]
        return torch.tensor(counts, dtype=torch.long, device=self.device)

    @cached_property
    def offsets(self) -> torch.Tensor:
        """First packed token of each sequence, and the total, shape (sequences + 1,), int32."""
        offsets = torch.zeros(len(self.lengths) + 1, dtype=torch.int32, device=self.device)
        offsets[1:] = self.lengths.cumsum(0)
        return offsets

    @cached_property
    def documents(self) -> torch.Tensor:
        """Which sequence, in packed order, each token belongs to, shape (total,), int64."""
        order = torch.arange(len(self.lengths), device=self.device)
        total = sum(len(group.rows) * group.length for group in self.groups)
        return order.repeat_interleave(self.lengths, output_size=total)

    @cached_property
    def places(self) -> torch.Tensor:
        """Where each token stands in its sequence, gaps counted, shape (total,), int64."""
        total = len(self.documents)
        places = torch.arange(total, device=self.device) - self.offsets[self.documents]
        for group in self.groups:
            if group.positions is not None:
                places[group.start : group.start + group.length] = group.positions
        return places

    def sequences(
        self, qkv: torch.Tensor, group: Group
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return queries, keys and values of a group, (rows, heads, n, head_dim) each.

        Of packed ones, (total, 3, heads, head_dim).
        """
        rows = len(group.rows)
        tokens = qkv[group.start : group.start + rows * group.length].unflatten(0, (rows, -1))
        query, key, value = tokens.permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value

    @staticmethod
    def tokens(context: torch.Tensor) -> torch.Tensor:
        """Turn a group's (rows, heads, n, head_dim) into packed (rows · n, heads, head_dim)."""
        return context.transpose(1, 2).flatten(0, 1)

    def pack(self, padded: torch.Tensor) -> torch.Tensor:
        """Turn (batch, width, …) into (total, …)."""
        flat = padded.flatten(0, 1)
        if not self.padded:
            return flat
        return flat.index_select(0, self._present(padded.device))

    def unpack(self, packed: torch.Tensor) -> torch.Tensor:
        """Turn (total, …) into (batch, width, …), with exact zeros at padding."""
        shape = (self.batch, self.width, *packed.shape[1:])
        if not self.padded:
            return packed.view(shape)
        flat = packed.new_zeros(self.batch * self.width, *packed.shape[1:])
        return flat.index_copy(0, self._present(packed.device), packed).view(shape)

    def unpack_maps(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Put each group's attention maps (rows, heads, n, n) into (batch, heads, width, width).

        Of a backend that went through the padded maps (`padded_maps`), they are there already.
        """
        return maps[0] if not self.padded or self.padded_maps else self.pad_maps(maps)

    def pad_maps(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Put each group's attention maps into a padded whole, with exact zeros at padding."""
        full = maps[0].new_zeros(self.batch, maps[0].shape[1], self.width, self.width)
        for group, values in zip(self.groups, maps, strict=True):
            for row, places, value in zip(
                group.rows, self._columns(group, full.device), values, strict=True
            ):
                full[row, :, places[:, None], places[None, :]] = value
        return full

    def pack_maps(self, full: torch.Tensor) -> list[torch.Tensor]:
        """Take each group's attention maps out of the padded ones: the reverse of `pad_maps`."""
        return [
            torch.stack(
                [
                    full[row][:, places[:, None], places[None, :]]
                    for row, places in zip(
                        group.rows, self._columns(group, full.device), strict=True
                    )
                ]
            )
            for group in self.groups
        ]

    def _present(self, device: torch.device) -> torch.Tensor:
        """Return `indices` on a device, of a batch that has padding."""
        indices = self.to(device).indices
        assert indices is not None
        return indices

    def _columns(self, group: Group, device: torch.device) -> torch.Tensor:
        """Columns of a group's tokens in the padded batch, shape (rows, length)."""
        places = self._present(device)[group.start : group.start + len(group.rows) * group.length]
        return (places % self.width).unflatten(0, (len(group.rows), group.length))


def _append(
    groups: list[Group], start: int, row: int, length: int, positions: torch.Tensor | None
) -> None:
    """Add a sequence to the last group if it is as long and neither has gaps, else as its own."""
    last = groups[-1] if groups else None
    if last and positions is None and last.positions is None and last.length == length:
        groups[-1] = Group(last.start, (*last.rows, row), length, None)
    else:
        groups.append(Group(start, (row,), length, positions))
