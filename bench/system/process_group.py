"""A process group: one trial on several processes, which share every batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel


class ProcessGroup(NamedTuple):
    """The processes that share a trial, seen from one of them. A single process shares nothing.

    Attributes:
        rank: This process's number, from 0.
        size: The number of processes.
    """

    rank: int = 0
    size: int = 1

    def shard(self, rows: Tensor) -> Tensor:
        """Return this process's part of all rows, (N, ...)."""
        return rows[self.rank :: self.size]

    def shard_batches(self, batch: int, rows: Tensor) -> Tensor:
        """Return this process's part of each whole batch of rows, (N, ...), in their order.

        The mean over processes of the parts' means is the batch's mean.
        """
        whole_batches = rows[: len(rows) // batch * batch]
        return whole_batches.unflatten(0, (-1, self.size, batch // self.size))[:, self.rank].flatten(0, 1)

    def average_gradients(self, network: nn.Module) -> nn.Module:
        """Return the network, wrapped so that gradients are the mean over processes."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network, gradient_as_bucket_view=True)

    def sum(self, value: Tensor) -> Tensor:
        """Sum a tensor over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def broadcast(self, value: Any) -> Any:
        """Return the first process's value in all processes."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, device=torch.device("cpu"))
        return values[0]

    def is_lost_peer(self, error: BaseException) -> bool:
        """Whether the error means that another process has ended; gloo's errors have no class of their own."""
        return self.size > 1 and (isinstance(error, dist.DistError) or "gloo" in str(error))


SINGLE = ProcessGroup()
