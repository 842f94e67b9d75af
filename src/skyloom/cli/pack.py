"""`skyloom train pack`: finished networks into a checkpoint.

    skyloom train pack nano weights/nano --autoencoder runs/ae/autoencoder.safetensors \\
        --transformer runs/nano/transformer.safetensors --card card.md --dtype int8
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from skyloom.cli.train import PresetName, Set, resolved
from skyloom.diffusion.sampler import METHODS
from skyloom.errors import CheckpointError, InvalidArgument, one_of
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import SamplingConfig, fill, save_checkpoint, sha256_of
from skyloom.pipelines.loading import extra_network

DEFAULTS = SamplingConfig()


def pack(
    preset: PresetName,
    folder: Annotated[Path, typer.Argument(help="folder of the checkpoint; an older checkpoint there is replaced")],
    autoencoder: Annotated[Path, typer.Option(help="autoencoder.safetensors of a finished run")],
    transformer: Annotated[
        list[Path], typer.Option(help="transformer.safetensors of a run; of several their mean")
    ],
    planner: Annotated[Path | None, typer.Option(help="transformer.safetensors of a planner's run")] = None,
    locator: Annotated[Path | None, typer.Option(help="locator.safetensors of a locator's run")] = None,
    causal: Annotated[Path | None, typer.Option(help="causal.safetensors of a causal run")] = None,
    few_step: Annotated[Path | None, typer.Option(help="few_step.safetensors of a few-step run")] = None,
    card: Annotated[Path | None, typer.Option(help="card.md: data, seed, steps, hardware, minutes, scores")] = None,
    dtype: Annotated[str, typer.Option(help="bf16, int8 or fp32, for the transformer's matrices")] = "bf16",
    autoencoder_dtype: Annotated[str, typer.Option(help="the same for the autoencoder")] = "bf16",
    extras_dtype: Annotated[
        str | None, typer.Option(help="the same for the other networks, or difference: from the transformer")
    ] = None,
    set_: Set = [],  # noqa: B006
    steps: Annotated[int, typer.Option(help="best number of sampling steps")] = DEFAULTS.num_inference_steps,
    guidance: Annotated[float, typer.Option(help="best guidance scale")] = DEFAULTS.guidance_scale,
    guidance_low: Annotated[float, typer.Option(help="no guidance below this sigma")] = DEFAULTS.guidance_low,
    guidance_high: Annotated[float, typer.Option(help="no guidance above this sigma")] = DEFAULTS.guidance_high,
    rescale: Annotated[float, typer.Option(help="share of the spread that guidance must keep")] = DEFAULTS.rescale,
    shift: Annotated[float, typer.Option(help="shift of the schedule towards noise")] = DEFAULTS.shift,
    method: Annotated[str, typer.Option(help="euler or heun")] = DEFAULTS.method,
) -> None:
    """Put finished networks, their preset and the best way to sample them into one folder.

    The `--set` fields must be those of the runs; `--guidance` also tells what was fused into the few-step network.
    """
    one_of("method", method, METHODS)
    chosen = resolved(preset, set_)
    sampling = SamplingConfig(steps, guidance, shift, guidance_low, guidance_high, rescale, method)
    states = _state(autoencoder), _mean([_state(path) for path in transformer], transformer)
    fill(Autoencoder(chosen.autoencoder), states[0], str(autoencoder))
    fill(Transformer(chosen.transformer), states[1], str(transformer[0]))
    extras = {}
    for part, path in {"planner": planner, "locator": locator, "causal": causal, "few_step": few_step}.items():
        if path is None:
            continue
        network = extra_network(part, chosen)
        if network is None:
            raise InvalidArgument(part, str(path), "be left out: this preset has none")
        extras[part] = _state(path)
        fill(network, extras[part], str(path))
    text = card.read_text(encoding="utf-8") if card else ""
    save_checkpoint(
        folder, chosen, *states, text, dtype, autoencoder_dtype=autoencoder_dtype, sampling=sampling,
        extras=extras, extras_dtype=extras_dtype,
    )  # fmt: skip
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    Console(soft_wrap=True).print(f"{folder}: {size:.2f} MB, sha256 {sha256_of(folder)}", highlight=False)


def _mean(states: list[dict[str, Tensor]], paths: list[Path]) -> dict[str, Tensor]:
    """Return the mean of weights, as of the ends of runs that went on from one another. Raises CheckpointError."""
    first = {name: tensor.shape for name, tensor in states[0].items()}
    for state, path in zip(states, paths, strict=True):
        if {name: tensor.shape for name, tensor in state.items()} != first:
            raise CheckpointError(f"{path} and {paths[0]} are not of one kind: no mean can be taken")
    return {name: torch.stack([state[name].float() for state in states]).mean(0) for name in first}


def _state(path: Path) -> dict[str, Tensor]:
    """Read a run's weights. Raises CheckpointError."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
