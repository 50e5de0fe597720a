"""One trial on several processes: each takes its part of every batch, gradients are averaged, sums are of all."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel


class ProcessGroup(NamedTuple):
    """Which process this is, of how many. With one there is nothing to share, and nothing is changed."""

    rank: int = 0
    size: int = 1

    def mine(self, rows: Tensor) -> Tensor:
        """Of all rows, those that this process looks at."""
        return rows[self.rank :: self.size]

    def of_each(self, batch: int, rows: Tensor) -> Tensor:
        """Of the rows of each batch, this process's: their mean over processes is the batch's mean."""
        whole = rows[: len(rows) // batch * batch]
        return whole.unflatten(0, (-1, self.size, batch // self.size))[:, self.rank].flatten(0, 1)

    def over(self, network: nn.Module) -> nn.Module:
        """The network, with gradients that are the mean over processes."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network, gradient_as_bucket_view=True)

    def summed(self, value: Tensor) -> Tensor:
        """Over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def lost(self, error: Exception) -> bool:
        """Whether the error says that another process is gone: gloo's have no class of their own."""
        return self.size > 1 and (isinstance(error, dist.DistError) or "gloo" in str(error))

    def told(self, value: Any) -> Any:
        """The first process's value, in all of them."""
        if self.size == 1:
            return value
        told = [value]
        dist.broadcast_object_list(told, device=torch.device("cpu"))
        return told[0]


SINGLE = ProcessGroup()
