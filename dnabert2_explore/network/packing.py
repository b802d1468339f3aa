"""Batches without padding: the tokens of all sequences in one row, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import torch

__all__ = ["Group", "Packing"]


@dataclass(frozen=True, slots=True)
class Group:
    """Sequences of equal length, which attention takes in one call.

    Attributes
    ----------
    start : int
        First packed token of the group.
    rows : tuple of int
        Rows of the padded batch.
    length : int
        Tokens in each sequence.
    positions : torch.Tensor, shape (length,), or None
        Where the tokens stand in the padded row, if padding lies between them; None where they
        are neighbours. ALiBi counts padding inside a sequence as distance.
    """

    start: int
    rows: tuple[int, ...]
    length: int
    positions: torch.Tensor | None


@dataclass(frozen=True, slots=True)
class Packing:
    """How a padded batch (batch, width) becomes packed tokens (total,) and back.

    The original, too, leaves padding out of its linear layers (MosaicBERT's unpadding); here
    attention does not see it either.

    Attributes
    ----------
    batch, width : int
        Shape of the padded batch.
    groups : tuple of Group
        The sequences, shortest first. Rows without tokens are in no group.
    longest : int
        Largest distance between tokens of one sequence, plus one.
    indices : torch.Tensor, shape (total,), or None
        Places of the tokens in the flattened batch; None where there is no padding.
    """

    batch: int
    width: int
    groups: tuple[Group, ...]
    longest: int
    indices: torch.Tensor | None

    @classmethod
    def dense(cls, batch: int, width: int) -> Packing:
        """Describe a batch without padding."""
        return cls(batch, width, (Group(0, tuple(range(batch)), width, None),), width, None)

    @classmethod
    def from_mask(cls, mask: torch.Tensor) -> Packing:
        """Read where the tokens are from an attention mask.

        Parameters
        ----------
        mask : torch.Tensor, shape (batch, width)
            Non-zero for tokens; padding may stand anywhere.
        """
        batch, width = mask.shape
        present = mask.detach() != 0
        lengths: list[int] = present.sum(dim=1).tolist()
        if all(length == width for length in lengths):
            return cls.dense(batch, width)
        places = torch.arange(width, device=mask.device)
        last = torch.where(present, places, -1).amax(dim=1)
        first = torch.where(present, places, width).amin(dim=1)
        gapless: list[bool] = (last - first + 1 == present.sum(dim=1)).tolist()
        # Shortest first, so that sequences of equal length are neighbours and attend in one call.
        order = sorted((row for row in range(batch) if lengths[row]), key=lengths.__getitem__)
        groups: list[Group] = []
        start = 0
        for row in order:
            length = lengths[row]
            before = groups[-1] if groups else None
            if gapless[row] and before and before.positions is None and before.length == length:
                groups[-1] = Group(before.start, (*before.rows, row), length, None)
            else:
                positions = None if gapless[row] else present[row].nonzero()[:, 0]
                groups.append(Group(start, (row,), length, positions))
            start += length
        # Gaps count as distance, so a sequence with gaps may reach over the whole width.
        longest = max(1, *lengths) if all(gapless) else width
        rows = torch.tensor(order, dtype=torch.long, device=mask.device)
        sequence, column = present[rows].nonzero().unbind(dim=1)
        return cls(batch, width, tuple(groups), longest, rows[sequence] * width + column)

    def pack(self, padded: torch.Tensor) -> torch.Tensor:
        """Turn (batch, width, …) into (total, …)."""
        flat = padded.flatten(0, 1)
        return flat if self.indices is None else flat.index_select(0, self.indices)

    def unpack(self, packed: torch.Tensor) -> torch.Tensor:
        """Turn (total, …) into (batch, width, …), with exact zeros at padding."""
        shape = (self.batch, self.width, *packed.shape[1:])
        if self.indices is None:
            return packed.view(shape)
        flat = packed.new_zeros(self.batch * self.width, *packed.shape[1:])
        return flat.index_copy(0, self.indices, packed).view(shape)

    def unpack_maps(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Put each group's attention maps (rows, heads, n, n) into (batch, heads, width, width)."""
        if self.indices is None:
            return maps[0]
        heads = maps[0].shape[1] if maps else 0
        full = torch.zeros(
            self.batch,
            heads,
            self.width,
            self.width,
            dtype=maps[0].dtype,
            device=self.indices.device,
        )
        rows, columns = self.indices // self.width, self.indices % self.width
        for group, values in zip(self.groups, maps, strict=True):
            for row, value in zip(group.rows, values, strict=True):
                places = columns[rows == row]
                full[row, :, places[:, None], places[None, :]] = value
        return full
