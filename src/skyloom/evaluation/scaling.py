"""What more compute buys: loss and scores of runs that differ in steps alone, and the power law through them.

A run is a folder with `transformer/` (run.json and metrics.jsonl of `skyloom train transformer`), and, where they were
made, `checkpoint/` and `report/` (of `skyloom evaluate prompts`). Compute is counted, not timed: FLOPs of a training
step (6 for each parameter and token) times steps. The loss is the mean over the last tenth of the logged steps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image

from skyloom.config import AutoencoderConfig, ClipConfig, TransformerConfig, from_dict
from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.evaluation.figures import SAME_SEEDS
from skyloom.evaluation.plots import log_plot
from skyloom.evaluation.report import Report, Table
from skyloom.shapes import VideoSize

TAIL = 0.1
CURVE_POINTS = 24
GAP = 4
"""Pixels between two strips."""


@dataclass(frozen=True)
class Run:
    """One point: its compute in FLOPs, steps, loss, and the share of prompts that came out right, if graded."""

    folder: str
    flops: float
    steps: int
    loss: float
    prompts: float | None


@dataclass(frozen=True)
class PowerLaw:
    """loss = scale * (compute / first compute) ** -exponent, by least squares of the logarithms."""

    scale: float
    exponent: float
    origin: float
    worst: float

    def at(self, flops: float) -> float:
        """Return the loss that the law gives for some compute."""
        return self.scale * (flops / self.origin) ** -self.exponent


def fit_power_law(points: Sequence[tuple[float, float]]) -> PowerLaw:
    """Fit (compute, loss) points. `worst` is the largest error of a point as a share. Raises InvalidArgument."""
    if len({flops for flops, _ in points}) < 2 or min(min(point) for point in points) <= 0:
        raise InvalidArgument("runs", list(points), "be at least two positive points of different compute")
    origin = min(flops for flops, _ in points)
    xs, ys = [math.log(flops / origin) for flops, _ in points], [math.log(loss) for _, loss in points]
    middle, mean = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - middle) * (y - mean) for x, y in zip(xs, ys, strict=True)) / sum((x - middle) ** 2 for x in xs)
    law = PowerLaw(math.exp(mean - slope * middle), -slope, origin, 0.0)
    return PowerLaw(law.scale, law.exponent, origin, max(abs(law.at(c) / loss - 1) for c, loss in points))


def step_flops(settings: dict, parameters: int) -> float:
    """Return the FLOPs of one training step, from run.json's settings and the transformer's parameters."""
    clip = from_dict(ClipConfig, settings["clips"]["clip"])
    codec = from_dict(AutoencoderConfig, settings["clips"]["autoencoder"])
    size = VideoSize(clip.num_frames, clip.height, clip.width)
    patch = from_dict(TransformerConfig, settings["transformer"]).patch_size
    tokens = size.latents(codec.strides, patch).cells / patch**2
    return 6.0 * parameters * tokens * settings["training"]["batch_size"]


def read_run(folder: Path) -> Run:
    """Read one run. Raises CheckpointError for a folder that holds none."""
    from safetensors import safe_open

    training = folder / "transformer"
    try:
        settings = json.loads((training / "run.json").read_text("utf-8"))
        lines = [json.loads(line) for line in (training / "metrics.jsonl").read_text("utf-8").splitlines()]
        with safe_open(training / "transformer.safetensors", "pt") as file:
            parameters = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder} is not a finished run: {error}") from error
    tail = [line["loss"] for line in lines if line["step"] > (1 - TAIL) * lines[-1]["step"]]
    steps = lines[-1]["step"]
    return Run(str(folder), steps * step_flops(settings, parameters), steps, sum(tail) / len(tail), _prompts(folder))


def _prompts(folder: Path) -> float | None:
    """Return the share of plain prompts with every slot right, from the run's report."""
    path = folder / "report" / "report.json"
    if not path.exists():
        return None
    seen = json.loads(path.read_text("utf-8"))["numbers"].get("prompts", {}).get("seen", {})
    return seen["generated"]["all"]["mean"] if seen else None


def same_seeds(folders: Sequence[Path], out: Path, shown: int = 6) -> Path | None:
    """Keep the first clips that every run was graded on, one below the other: a row for each seed, a column for a run.

    Writes OUT/same-seeds.webp; None where the runs have no clips of the same seeds.
    """
    strips = [folder / "report" / "strips" / "prompts" for folder in folders]
    names = set.intersection(*({path.name for path in folder.glob("*.webp")} for folder in strips))
    rows = [[Image.open(folder / name) for folder in strips] for name in sorted(names)[:shown]]
    if not rows:
        return None
    width, height = rows[0][0].width + GAP, rows[0][0].height + GAP
    sheet = Image.new("RGB", (width * len(strips) - GAP, height * len(rows) - GAP), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet.paste(picture, (x * width, y * height))
    out.mkdir(parents=True, exist_ok=True)
    sheet.save(out / SAME_SEEDS, lossless=True)
    return out / SAME_SEEDS


def scaling(folders: Sequence[Path]) -> Report:
    """Compare runs of rising compute, fit the law, say whether losses fall all the way."""
    runs = sorted(map(read_run, folders), key=lambda run: run.flops)
    law = fit_power_law([(run.flops, run.loss) for run in runs])
    falls = all(more.loss < less.loss for less, more in pairwise(runs))
    rows = [
        [run.folder, f"{run.flops / runs[0].flops:.3g}x", f"{run.flops:.3g}", str(run.steps), f"{run.loss:.4f}",
         f"{law.at(run.flops):.4f}", "" if run.prompts is None else f"{run.prompts:.3f}"]
        for run in runs
    ]  # fmt: skip
    header = ["run", "compute", "FLOPs", "steps", "loss", "law", "prompts, all slots"]
    note = (
        f"loss = {law.scale:.4f} (compute / {law.origin:.3g}) ^ -{law.exponent:.4f}; the worst point is off by "
        f"{law.worst:.1%}. Losses {'fall' if falls else 'do not fall'} all the way. Network, data, seed are the same."
    )
    curve = [(law.origin * (runs[-1].flops / law.origin) ** (n / CURVE_POINTS)) for n in range(CURVE_POINTS + 1)]
    drawing = log_plot([(r.flops, r.loss) for r in runs], [(c, law.at(c)) for c in curve], ("FLOPs", "loss"))
    numbers = {"runs": [asdict(run) for run in runs], "law": asdict(law), "monotone": falls}
    return Report({"runs": len(runs)}, [Table("Scaling", header, rows, note, drawing)], {"scaling": numbers})
