"""Several processes training as one.

`torchrun` starts them. Every rank draws the random numbers of the whole global batch and takes its own rows, so that
any number of ranks makes the run that one would make. Small networks keep a copy on every rank and average gradients;
large ones are cut by FSDP2 (`shard`), and then parameters are DTensors, which `local`, `gather` and `keep_shard` open.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from skyloom.errors import InvalidArgument


@dataclass(frozen=True)
class Ranks:
    """Which process this is, and of how many."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def rows(self, batch_size: int) -> slice:
        """Return this rank's rows of the global batch. Raises InvalidArgument when they do not divide."""
        share, left = divmod(batch_size, self.size)
        if left or not share:
            nearest = max(1, share) * self.size
            raise InvalidArgument("batch_size", batch_size, f"be a multiple of the {self.size} processes", nearest)
        return slice(self.rank * share, (self.rank + 1) * share)

    def wait(self) -> None:
        """Let every rank arrive here."""
        if self.size > 1:
            dist.barrier()


def init_ranks(device: str | torch.device = "cpu") -> Ranks:
    """Join the process group that torchrun describes; one process alone needs none."""
    if "WORLD_SIZE" not in os.environ:
        return Ranks()
    if not dist.is_initialized():
        dist.init_process_group("gloo" if torch.device(device).type == "cpu" else "nccl")
    if torch.device(device).type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return Ranks(dist.get_rank(), dist.get_world_size())


def leave(ranks: Ranks) -> None:
    """Close the process group."""
    if ranks.size > 1:
        dist.destroy_process_group()


def average_gradients(parameters: Iterable[nn.Parameter], ranks: Ranks) -> None:
    """Make every copy's gradient the mean over ranks, in one message. Sharded ones are averaged already."""
    gradients = [p.grad for p in parameters if p.grad is not None and not is_cut(p.grad)]
    if ranks.size == 1 or not gradients:
        return
    message = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(message)
    message /= ranks.size
    for gradient, part in zip(gradients, message.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def average_values(values: Tensor, ranks: Ranks) -> Tensor:
    """Return the mean of a tensor over ranks."""
    if ranks.size > 1:
        values = values.clone()
        dist.all_reduce(values)
        values /= ranks.size
    return values


def shard(module: nn.Module, blocks: Iterable[nn.Module], ranks: Ranks) -> nn.Module:
    """Cut a network's parameters over the ranks with FSDP2: each block one unit, what is left another."""
    if ranks.size == 1:
        return module
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    device = next(module.parameters()).device.type
    mesh = init_device_mesh(device, (ranks.size,))
    marks = {name: dict(p.__dict__) for name, p in module.named_parameters()}
    for block in blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)
    for name, parameter in module.named_parameters():
        for key in ("muon", "muon_splits"):
            if key in marks[name]:
                setattr(parameter, key, marks[name][key])
    return module


def is_cut(tensor: Tensor | None) -> bool:
    """Tell whether a tensor is a DTensor (asked by its method, since importing the class takes seconds)."""
    return hasattr(tensor, "full_tensor")


def local(tensor: Tensor) -> Tensor:
    """Return this rank's part of a tensor, a view."""
    return tensor.to_local() if is_cut(tensor) else tensor  # type: ignore[attr-defined]


def gather(tensor: Tensor, like: Tensor | None = None) -> Tensor:
    """Return the whole of a tensor that may be cut over ranks; a plain part is cut as `like` is."""
    if is_cut(like) and not is_cut(tensor):
        from torch.distributed.tensor import DTensor

        mesh, placements = like.device_mesh, like.placements  # type: ignore[union-attr]
        shape, stride = like.shape, like.stride()  # type: ignore[union-attr]
        tensor = DTensor.from_local(tensor, mesh, placements, shape=shape, stride=stride, run_check=False)
    return tensor.full_tensor() if is_cut(tensor) else tensor  # type: ignore[attr-defined]


def keep_shard(whole: Tensor, like: Tensor) -> Tensor:
    """Return this rank's part of a whole tensor, cut as `like` is."""
    if not is_cut(like):
        return whole
    from torch.distributed.tensor import distribute_tensor

    mesh, placements = like.device_mesh, like.placements  # type: ignore[attr-defined]
    return distribute_tensor(whole, mesh, placements, src_data_rank=None).to_local()
