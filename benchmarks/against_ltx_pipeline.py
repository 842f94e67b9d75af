"""Our whole road against diffusers' LTX pipeline.

    python benchmarks/against_ltx_pipeline.py --size 128 --frames 33 --steps 4 --json out/against_ltx.json

One process, one run, random weights, the same pixels, frames, steps, layers, width, heads and word states; one branch
(no guidance); the pipelines take turns, and the machine's own matrix product rate is measured before each round. Both
start from word states given as a tensor (no text encoder runs) and end with an mp4 on disk. LTX comes twice: with the
autoencoder that diffusers gives it (32 x 32 x 8 pixels a token), and with one that gives it our number of tokens.
Needs the extra `compare`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from against_diffusers import seconds_of, show, versions
from competitors import TEXT_DIM, diffusers, leave_zero
from skyloom.config import TransformerConfig
from skyloom.data.video_io import write_video
from skyloom.errors import InvalidArgument, SkyloomError
from skyloom.evaluation.machine import describe_machine, matmul_rate
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.text_encoder import TextFeatures
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import SamplingConfig
from skyloom.pipelines.pipeline import Pipeline
from skyloom.presets import BASE, TINY
from skyloom.seeds import generator_for

FPS, GOAL = 8.0, 3.0
MEASURES = ("frames", "whole", "processor")
NOTE = (
    "Random weights; equal pixels, frames, steps, layers, width, heads, words; one branch. Included: noise, planning "
    "of actors (ours alone has it; --no-plan), denoising, decoding, an mp4 (ours marked and signed). Not included: "
    "loading, text encoder. LTX runs in bf16 as its page tells, ours as it ships. 'cores' are seconds of the "
    "processor; 'x' is theirs / ours: above 1, ours is faster."
)


@dataclass(frozen=True)
class Work:
    """What both make. Raises InvalidArgument for sizes that LTX cannot make."""

    size: int = 128
    frames: int = 33
    steps: int = 4
    layers: int = BASE.transformer.num_layers
    width: int = BASE.transformer.hidden_size
    heads: int = BASE.transformer.num_heads
    words: int = 16

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise InvalidArgument(name, value, "be at least 1", 1)
        if self.size % 32:
            raise InvalidArgument("size", self.size, "be a multiple of 32", max(1, round(self.size / 32)) * 32)
        if self.frames % 8 != 1:
            raise InvalidArgument("frames", self.frames, "be 1 + a multiple of 8", max(0, self.frames - 1) // 8 * 8 + 1)
        if self.width % (8 * self.heads):
            unit = 8 * self.heads
            nearest = max(1, round(self.width / unit)) * unit
            raise InvalidArgument("width", self.width, f"be a multiple of 8 * heads = {unit}", nearest)

    def word_states(self) -> torch.Tensor:
        """Return word states (1, m, 768), always the same."""
        return torch.randn(1, self.words, TEXT_DIM, generator=generator_for(0, "benchmark input"))


@dataclass(frozen=True)
class Road:
    """A whole pipeline: `frames()` gives what `write(frames, path)` writes; tokens: of the transformer, for video."""

    name: str
    tokens: int
    parameters: int
    frames: Callable[[], Any]
    write: Callable[[Any, Path], Any]


@dataclass(frozen=True)
class Result:
    """Seconds of each round: until the frames are there, until the file is, and the processor's until the file is.

    Where the machine has other work, the processor's are the ones to trust.
    """

    name: str
    tokens: int
    parameters: int
    frames: tuple[float, ...]
    whole: tuple[float, ...]
    processor: tuple[float, ...]


class Given:
    """Stands for a text encoder: word states that were made before."""

    device = torch.device("cpu")

    def __init__(self, states: torch.Tensor) -> None:
        self.states = states

    def encode(self, prompts: Sequence[str], *, max_length: int = 64) -> TextFeatures:
        """Return the states for every prompt."""
        states = self.states[:, :max_length].expand(len(prompts), -1, -1)
        return TextFeatures(states, torch.ones(states.shape[:2], dtype=torch.bool))

    def truncated(self, prompt: str, max_length: int = 64) -> bool:
        """Nothing is cut."""
        return False


def skyloom(work: Work, tiny: bool = False, plan: bool = True) -> Road:
    """Return our road; `tiny` takes the autoencoder and planner of that preset, for a try. plan: plan actors first."""
    own = TINY if tiny else BASE
    config = TransformerConfig(
        own.autoencoder.latent_channels, 2, work.width, work.layers, work.heads, max_text_tokens=work.words,
        box_slots=own.transformer.box_slots,
    )  # fmt: skip
    planner = None if own.planner is None or not plan else replace(own.planner, max_text_tokens=work.words)
    clip = replace(own.clip, num_frames=work.frames, height=work.size, width=work.size, fps=FPS)
    preset = replace(own, transformer=config, planner=planner, clip=clip)
    networks = [Autoencoder(preset.autoencoder), Transformer(config)]
    if planner is not None:
        networks.append(Transformer(planner))
    for network in networks:
        leave_zero(network)
    text: Any = Given(work.word_states())
    road = Pipeline(
        networks[0], networks[1], text, preset, "random", sampling=SamplingConfig(work.steps, 1.0),  # ty: ignore
        planner=networks[2] if planner is not None else None,  # ty: ignore
    )  # fmt: skip
    latents = road.room().latents
    tokens = latents.latent_frames * latents.latent_height * latents.latent_width // config.patch_size**2
    return Road(
        "skyloom", tokens, parameters(*networks), lambda: road.generate("a fox", seed=0),
        lambda video, path: write_video(video, path),
    )  # fmt: skip


def ltx(work: Work, scalings: int = 3, tiny: bool = False) -> Road:
    """Return LTX's road. scalings: how often its autoencoder halves time and space, 3 as diffusers gives it."""
    library = diffusers()
    halved = tuple(number < scalings for number in range(4))
    thin = {
        "block_out_channels": (8, 16, 16, 16), "decoder_block_out_channels": (8, 16, 16, 16),
        "layers_per_block": (1, 1, 1, 1, 1), "decoder_layers_per_block": (1, 1, 1, 1, 1), "latent_channels": 8,
    }  # fmt: skip
    vae = library.AutoencoderKLLTXVideo(
        spatio_temporal_scaling=halved, decoder_spatio_temporal_scaling=halved, **(thin if tiny else {})
    )
    channels = vae.config.latent_channels
    network = library.LTXVideoTransformer3DModel(
        in_channels=channels, out_channels=channels, num_layers=work.layers, num_attention_heads=work.heads,
        attention_head_dim=work.width // work.heads, cross_attention_dim=work.width, caption_channels=TEXT_DIM,
    )  # fmt: skip
    scheduler = library.FlowMatchEulerDiscreteScheduler()
    road = library.LTXPipeline(scheduler, vae, None, None, network).to(torch.bfloat16)
    road.set_progress_bar_config(disable=True)
    given = {
        "prompt_embeds": work.word_states().to(torch.bfloat16), "prompt_attention_mask": torch.ones(1, work.words),
        "height": work.size, "width": work.size, "num_frames": work.frames, "frame_rate": FPS,
        "num_inference_steps": work.steps, "guidance_scale": 1.0, "output_type": "np",
    }  # fmt: skip

    def frames() -> np.ndarray:
        return road(**given, generator=torch.Generator().manual_seed(0)).frames[0]

    cells = (work.size // vae.spatial_compression_ratio) ** 2
    tokens = cells * (1 + (work.frames - 1) // vae.temporal_compression_ratio)
    name = "LTX as it is" if scalings == 3 else "LTX, our tokens"
    return Road(name, tokens, parameters(vae.decoder, network), frames, lambda video, path: export(video, path))


def export(video: np.ndarray, path: Path) -> None:
    """Write frames as diffusers does."""
    from diffusers.utils import export_to_video, logging

    logging.set_verbosity_error()
    export_to_video(list(video), str(path), fps=round(FPS))


def parameters(*networks: torch.nn.Module) -> int:
    """Return the number of weights."""
    return sum(weight.numel() for network in networks for weight in network.parameters())


def go(road: Road, path: Path) -> tuple[float, float, float]:
    """Go a road once: seconds until the frames, until the file, and of the processor."""
    used, made = time.process_time(), []
    until_frames = seconds_of(lambda: made.append(road.frames()))
    writing = seconds_of(lambda: road.write(made[0], path))
    return until_frames, until_frames + writing, time.process_time() - used


def measure(roads: Sequence[Road], repeats: int, advance: Callable[[], None]) -> tuple[list[Result], list[float]]:
    """Go all roads in turns, after one round that is not counted; also returns the matrix product rates, GFLOP/s."""
    rates: list[float] = []
    times: list[list[tuple[float, float, float]]] = [[] for _ in roads]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats + 1):
            rates.append(matmul_rate(torch.bfloat16, 0.3))
            for road, rounds in zip(roads, times, strict=True):
                taken = go(road, Path(folder) / "clip.mp4")
                if number:
                    rounds.append(taken)
            advance()
    found = []
    for road, rounds in zip(roads, times, strict=True):
        frames, whole, processor = zip(*rounds, strict=True)
        found.append(Result(road.name, road.tokens, road.parameters, frames, whole, processor))
    return found, rates


def ratios(result: Result, ours: Result) -> dict[str, float]:
    """Return theirs / ours by the medians."""
    return {
        name: statistics.median(getattr(result, name)) / statistics.median(getattr(ours, name)) for name in MEASURES
    }


def table_of(results: Sequence[Result]) -> Table:
    """Return the table, ours first."""
    looks = {"caption": NOTE, "caption_justify": "left", "box": SIMPLE_HEAD, "padding": (0, 1, 0, 0)}
    table = Table(title="From word states to a file", **looks)
    table.add_column("", no_wrap=True)
    for name in ("M\nweights", "\ntokens", "frames\ns", "whole\ns", "cores\ns", "whole\nx", "cores\nx", "goal\nmet"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        ratio = ratios(result, results[0])
        met = "" if result is results[0] else "yes" if ratio["whole"] >= GOAL else "no"
        table.add_row(
            result.name, f"{result.parameters / 1e6:.1f}", str(result.tokens),
            *(f"{statistics.median(getattr(result, name)):.2f}" for name in MEASURES),
            *(f"{ratio[name]:.2f}" for name in ("whole", "processor")), met,
        )  # fmt: skip
    return table


def report(results: Sequence[Result], rates: Sequence[float], work: Work) -> dict:
    """Return all that was measured as JSON values."""
    return {
        "machine": {**describe_machine(), **versions()},
        "work": asdict(work),
        "note": NOTE,
        "goal": GOAL,
        "matmul_gflops_bf16": list(rates),
        "results": [{**asdict(result), "theirs_over_ours": ratios(result, results[0])} for result in results],
    }


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in asdict(Work()).items():
        found.add_argument(f"--{name}", type=int, default=value, help=f"default {value}")
    found.add_argument("--repeats", type=int, default=3, help="counted rounds; default 3")
    found.add_argument("--threads", type=int, help="threads of torch; default: as the environment says")
    found.add_argument("--no-plan", action="store_true", help="leave our planner out: LTX has none")
    found.add_argument("--tiny", action="store_true", help="thin autoencoders on both sides: a try of the command")
    found.add_argument("--json", type=Path, metavar="PATH", help="write everything measured to this file")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given = parser().parse_args(arguments)
    warnings.filterwarnings("ignore", message="Mismatch dtype between input and weight")  # LTX's norms in bf16
    try:
        work = Work(**{name: getattr(given, name) for name in asdict(Work())})
        for name in ("repeats", "threads"):
            if getattr(given, name) is not None and getattr(given, name) < 1:
                raise InvalidArgument(name, getattr(given, name), "be at least 1", 1)
        if given.threads is not None:
            torch.set_num_threads(given.threads)
        torch.manual_seed(0)
        roads = [skyloom(work, given.tiny, not given.no_plan), ltx(work, 3, given.tiny), ltx(work, 2, given.tiny)]
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("rounds", total=given.repeats + 1)
            results, rates = measure(roads, given.repeats, lambda: progress.advance(task))
    except SkyloomError as error:
        print(error, file=sys.stderr)
        return 2
    show(report(results, rates, work), [table_of(results)], given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
