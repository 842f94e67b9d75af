"""Tiny runs for the tests of the loop, each in a process of its own."""

import multiprocessing
import os
import socket
from pathlib import Path

import pytest
import torch
from torch import nn

from skyloom.config import AutoencoderConfig, OptimConfig, TrainConfig
from skyloom.models.autoencoder import Autoencoder
from skyloom.seeds import generator_for
from skyloom.training.autoencoder import AutoencoderStage
from skyloom.training.distributed import Ranks, init_ranks, leave, shard
from skyloom.training.loop import train


class ToyStage:
    """A small network that learns a fixed random map; `broken` is the step whose loss is not finite."""

    def __init__(self, config, ranks=Ranks(), broken=None, cut=False):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.model = nn.Sequential(nn.Linear(6, 16), nn.SiLU(), nn.Linear(16, 16), nn.SiLU(), nn.Linear(16, 2))
        self.config, self.ranks, self.broken = config, ranks, broken
        if cut:
            shard(self.model, [self.model[2]], ranks)

    def modules(self):
        return {"toy": self.model}

    def loss(self, step):
        generator = generator_for(self.config.seed, "toy", step)
        inputs = torch.randn(self.config.batch_size, 6, generator=generator)
        inputs = inputs[self.ranks.rows(self.config.batch_size)]
        wanted = torch.stack([inputs.prod(1), inputs.sum(1).sin()], dim=1)
        loss = (self.model(inputs) - wanted).square().mean()
        return (loss * float("nan") if step == self.broken else loss), {"bias": self.model[4].bias.sum().detach()}

    def samples(self, step, ema):
        with ema.applied():
            pass


def toy_config(steps, **changes):
    optim = OptimConfig(warmup_steps=3, ema_halflives=(3, 30))
    return TrainConfig(
        steps=steps, batch_size=8, precision="fp32", compile=False, optim=optim, log_every=4, checkpoint_every=5,
        **changes,
    )  # fmt: skip


def tiny_autoencoder(config, run_dir):
    sizes = AutoencoderConfig(latent_channels=4, hidden_size=8, encoder_blocks=1, decoder_blocks=1, refine_channels=4)

    def source(indices):
        moved = indices.view(-1, 1, 1, 1, 1) + torch.arange(5).view(1, 1, 5, 1, 1) + torch.arange(16)
        return (moved * torch.tensor([0.3, 0.5, 0.7]).view(1, 3, 1, 1, 1)).sin().expand(-1, 3, 5, 16, 16)

    torch.manual_seed(0)
    return AutoencoderStage(Autoencoder(sizes), config, source, run_dir)


def main(kind, run_dir, steps, environment=None):
    """Train a run: "toy", "cut" (its weights sharded over the ranks) or "autoencoder"."""
    os.environ.update(environment or {})
    torch.set_num_threads(1)
    config, run_dir, ranks = toy_config(steps), Path(run_dir), init_ranks()
    stage = tiny_autoencoder(config, run_dir) if kind == "autoencoder" else ToyStage(config, ranks, cut=kind == "cut")
    train(stage, config, run_dir, settings={"kind": kind}, ranks=ranks, measure=False)
    leave(ranks)


def as_ranks(count):
    """Return the environments that torchrun would give to `count` processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(count)}
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


@pytest.fixture(scope="module")
def spawner():
    """Make processes that run `main`, from one that has imported all that a run needs, so that each starts at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training_runs"])
    kept = {name: os.environ.get(name) for name in ("PYTHONPATH", "OMP_NUM_THREADS")}
    here = str(Path(__file__).parent)
    os.environ |= {"PYTHONPATH": os.pathsep.join(filter(None, (here, kept["PYTHONPATH"]))), "OMP_NUM_THREADS": "1"}
    yield lambda *arguments: context.Process(target=main, args=arguments)
    for name, value in kept.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
