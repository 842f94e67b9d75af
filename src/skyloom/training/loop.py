"""One loop trains every network.

A stage says what is trained and what the loss of step n is; the loop does the rest. All randomness of a step is drawn
from its number, so a run that is killed and started again by the same command ends with the very same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from skyloom.config import TrainConfig, to_dict
from skyloom.errors import TrainingError, one_of
from skyloom.training.checkpointing import Checkpoints, check_same_run
from skyloom.training.distributed import Ranks, average_gradients, average_values
from skyloom.training.ema import Ema
from skyloom.training.metrics import Metrics, Speed, count_flops, matmul_rate
from skyloom.training.optim import Optimizer, clip_gradients, lr_factor

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Stage(Protocol):
    """What is trained, and by which loss."""

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks to train, by name; their weights are float32."""
        ...

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the loss of a step, a function of (weights, step) alone, and values to log."""
        ...

    def samples(self, step: int, ema: Ema) -> None:
        """Write pictures of what the averaged weights can do. Every rank calls this; the leading one writes."""
        ...


def device_of(module: nn.Module) -> torch.device:
    """Return the device of a network's parameters."""
    return next(module.parameters()).device


def autocast(precision: str, device: torch.device | str) -> Any:
    """Return the context in which a network runs at a precision of PRECISIONS; weights stay float32."""
    dtype = PRECISIONS[one_of("precision", precision, PRECISIONS)]
    return nullcontext() if dtype == torch.float32 else torch.autocast(torch.device(device).type, dtype)


def compiled(function: Callable[..., Any], config: TrainConfig) -> Callable[..., Any]:
    """Return a function of fixed shapes, compiled if the run's config says so."""
    return torch.compile(function, dynamic=False) if config.compile else function


def trainable(modules: Mapping[str, nn.Module]) -> dict[str, nn.Parameter]:
    """Return all parameters that take gradients, by `module/parameter` name."""
    named = ((f"{m}/{name}", p) for m, module in modules.items() for name, p in module.named_parameters())
    return {name: parameter for name, parameter in named if parameter.requires_grad}


def weights_of(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return all parameters and buffers, by `module/name`."""
    return {f"{m}/{name}": tensor for m, module in modules.items() for name, tensor in module.state_dict().items()}


def train(
    stage: Stage, config: TrainConfig, run_dir: Path, *, settings: Mapping[str, Any] | None = None,
    ranks: Ranks = Ranks(), measure: bool = True, until: int | None = None,
) -> Ema:  # fmt: skip
    """Train until `config.steps` steps are done, from where the run in `run_dir` stands; return the averages.

    settings: what else defines the run; kept in run.json. measure: find the share of the machine's matmul rate.
    until: stop after this step, to go on another time.
    Raises TrainingError for a loss or gradient that is not finite and for a run_dir that holds a different run.
    """
    check_same_run(run_dir, {"training": to_dict(config), **(settings or {})}, ranks)
    modules = stage.modules()
    parameters = trainable(modules)
    optimizer = Optimizer(parameters, config.optim, PRECISIONS[config.precision])
    ema = Ema(parameters, config.optim.ema_halflives)
    parts = {"weights": weights_of(modules), "optimizer": optimizer.state, "ema": ema.state}
    checkpoints = Checkpoints(run_dir, parts, ranks)
    start, end = checkpoints.restore(), min(config.steps, until or config.steps)
    speed = measure_speed(stage, config, parameters) if measure and start < end else None
    with Metrics(run_dir, start, config, speed, ranks) as metrics:
        for step in range(start, end):
            loss, values = stage.loss(step)
            loss.backward()
            average_gradients(parameters.values(), ranks)
            norm = clip_gradients(parameters, config.optim.clip_norm)
            loss_now = stop_unless_finite(step, average_values(loss.detach(), ranks), norm)
            rate = lr_factor(step, config.steps, config.optim)
            optimizer.step(step, rate)
            optimizer.zero_grad()
            ema.update(step)
            done = step + 1
            metrics.step(done, loss_now, values | {"gradient_norm": norm, "lr_factor": rate})
            with metrics.paused():
                if due(done, config.checkpoint_every, end):
                    checkpoints.save(done)
                if due(done, config.sample_every, end):
                    stage.samples(done, ema)
    return ema


def due(done: int, every: int, steps: int) -> bool:
    """Tell whether something that happens every so many steps, and at the end, happens now."""
    return done % every == 0 or done == steps


def stop_unless_finite(step: int, loss: Tensor, norm: Tensor) -> float:
    """Return the loss as a number. Raises TrainingError when it or the gradient's norm is not finite."""
    loss_now, norm_now = torch.stack([loss.float(), norm.float()]).tolist()
    if not (abs(loss_now) < float("inf") and norm_now < float("inf")):
        raise TrainingError(f"step {step}: loss {loss_now}, gradient norm {norm_now}; the weights are as before it")
    return loss_now


def measure_speed(stage: Stage, config: TrainConfig, parameters: Mapping[str, nn.Parameter]) -> Speed:
    """Count the FLOPs of one step and measure the machine's matmul rate in the dtype that training uses."""
    flops = count_flops(lambda: stage.loss(0)[0].backward())
    for parameter in parameters.values():
        parameter.grad = None
    device = next(iter(parameters.values())).device
    return Speed(flops, matmul_rate(device, PRECISIONS[config.precision]))
