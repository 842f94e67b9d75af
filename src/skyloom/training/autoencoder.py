"""The autoencoder's stage: reconstruct clips rendered on the fly.

The loss is L1 and squared error, moving pixels counted more, plus L1 on the errors' differences in space and time
(sharp edges, steady motion). Latents are noised before decoding and held softly to mean 0 and variance 1, which makes
them easy to learn for the transformer. No adversary and no perceptual network.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skyloom.config import TrainConfig
from skyloom.errors import CheckpointError
from skyloom.models.autoencoder import Autoencoder
from skyloom.seeds import generator_for, normal_on
from skyloom.training.batches import UNSEEN, Batches, Source
from skyloom.training.checkpointing import read_weights, write_tensors
from skyloom.training.distributed import Ranks
from skyloom.training.ema import Ema
from skyloom.training.loop import autocast, compiled, device_of
from skyloom.training.strips import write_strips

LATENT_NOISE = 0.04
SQUARE, GRADIENT, TEMPORAL, REGULARISER = 8.0, 0.5, 0.5, 0.01
MOVING = 4.0
MOVES = 0.08
DEEPENED = ("fine.", "encoder.", "decoder.", "middle.")
IMAGES = 0.1


def moving_pixels(pixels: Tensor) -> Tensor:
    """Return 1 where a pixel differs from that of the frame before or after: (b, 3, f, h, w) to (b, 1, f, h, w)."""
    change = pixels.diff(dim=2).abs().amax(1, keepdim=True)
    before, after = F.pad(change, (0, 0, 0, 0, 1, 0)), F.pad(change, (0, 0, 0, 0, 0, 1))
    return (torch.maximum(before, after) > MOVES).to(pixels.dtype)


def reconstruction_loss(decoded: Tensor, pixels: Tensor) -> Tensor:
    """Return the weighted error of decoded pixels (b, 3, f, h, w); a mean over samples."""
    error = decoded.float() - pixels
    weight = 1 + MOVING * moving_pixels(pixels)
    weight = weight / weight.mean((1, 2, 3, 4), keepdim=True)
    loss = (weight * (error.abs() + SQUARE * error.square())).mean()
    loss = loss + GRADIENT * (error.diff(dim=3).abs().mean() + error.diff(dim=4).abs().mean()) / 2
    return loss + TEMPORAL * error.diff(dim=2).abs().mean() if pixels.shape[2] > 1 else loss


def latent_penalty(latents: Tensor) -> Tensor:
    """Return how far each channel of this batch is from mean 0 and variance 1 (Kullback-Leibler, nats a channel)."""
    flat = latents.float().transpose(0, 1).flatten(1)
    mean, variance = flat.mean(1), flat.var(1) + 1e-6
    return 0.5 * (mean.square() + variance - 1 - variance.log()).mean()


def psnr(decoded: Tensor, pixels: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean over samples of the peak signal-to-noise ratio in dB, for pixels in [-1, 1]."""
    square = (decoded.float().clamp(-1, 1) - pixels).square()
    weight = torch.ones_like(square) if weight is None else weight.expand_as(square)
    mean = (square * weight).sum((1, 2, 3, 4)) / weight.sum((1, 2, 3, 4)).clamp(min=1)
    return (10 * torch.log10(4 / mean.clamp(min=1e-8)))[weight.flatten(1).any(1)].mean()


def block_of(name: str) -> str:
    """Return which block a weight belongs to, as "decoder.3"."""
    return ".".join(name.split(".")[:2])


def start_from(autoencoder: Autoencoder, state: Mapping[str, Tensor], deepened: tuple[str, ...]) -> None:
    """Load a finished autoencoder's weights; blocks that only the deeper network has stay as made, the identity.

    deepened: beginnings of the names of blocks that may be missing, each as a whole. Raises CheckpointError when
    anything else does not fit.
    """
    try:
        missing, unexpected = autoencoder.load_state_dict(dict(state), strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"the weights to start from do not fit the preset's autoencoder: {error}") from error
    given = {block_of(name) for name in state}
    lost = [name for name in missing if not name.startswith(deepened) or block_of(name) in given]
    if lost or unexpected:
        raise CheckpointError(
            f"the weights to start from do not fit the preset's autoencoder: {(lost + unexpected)[0]}"
        )


class AutoencoderStage:
    """Trains one Autoencoder on the clips of a source."""

    def __init__(
        self, autoencoder: Autoencoder, config: TrainConfig, source: Source, run_dir: Path, *,
        ranks: Ranks = Ranks(), workers: int = 0, start: Mapping[str, Tensor] | None = None,
    ) -> None:  # fmt: skip
        """`autoencoder` is on its device already; `workers` processes render ahead; `start`: weights to begin with."""
        self.autoencoder, self.config, self.run_dir, self.ranks = autoencoder, config, run_dir, ranks
        self.device = device_of(autoencoder)
        self._source, self._batches = source, Batches(source, config, ranks, workers, self.device)
        self._run = compiled(self._reconstruct, config)
        self._error = compiled(reconstruction_loss, config)
        if start is None:
            autoencoder.start_from_patches(source(UNSEEN + torch.arange(32)).to(self.device))
        else:
            start_from(autoencoder, start, DEEPENED)

    def modules(self) -> dict[str, nn.Module]:
        """Return the network, by name."""
        return {"autoencoder": self.autoencoder}

    def _reconstruct(self, pixels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        latents = self.autoencoder.encode(pixels)
        return latents, self.autoencoder.decode(latents + LATENT_NOISE * noise)

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the loss of a step's clips; one step in ten takes one frame of each as an image."""
        generator = generator_for(self.config.seed, "autoencoder step", step)
        pixels = self._batches.at(step)
        if torch.rand((), generator=generator) < IMAGES:
            frame = int(torch.randint(pixels.shape[2], (), generator=generator))
            pixels = pixels[:, :, frame : frame + 1].contiguous()
        shape, rows = (self.config.batch_size, *self._latent_shape(pixels)), self.ranks.rows(self.config.batch_size)
        noise = normal_on(self.device, shape, generator, rows)
        with autocast(self.config.precision, self.device):
            latents, decoded = self._run(pixels, noise)
        penalty = latent_penalty(latents)
        loss = self._error(decoded, pixels) + REGULARISER * penalty
        return loss, {"psnr": psnr(decoded.detach(), pixels), "latent_penalty": penalty.detach()}

    def _latent_shape(self, pixels: Tensor) -> tuple[int, int, int, int]:
        _, _, frames, height, width = pixels.shape
        config = self.autoencoder.config
        stride = config.spatial_stride
        return config.latent_channels, 1 + (frames - 1) // config.temporal_stride, height // stride, width // stride

    def samples(self, step: int, ema: Ema) -> None:
        """Write clips that were not trained on above their reconstructions, by the first average."""
        if self.ranks.leads:
            with ema.applied():
                show(self.autoencoder, self._source, self.run_dir / "samples" / f"{step:08d}.png")


def show(autoencoder: Autoencoder, source: Source, path: Path) -> None:
    """Write a picture of clips that were not trained on, each above its reconstruction."""
    pixels = source(UNSEEN + torch.arange(4)).to(device_of(autoencoder))
    decoded = reconstruct(autoencoder, pixels)
    write_strips(path, [clip for pair in zip(pixels, decoded, strict=True) for clip in pair])


@torch.no_grad()
def reconstruct(autoencoder: Autoencoder, pixels: Tensor, precision: str = "fp32") -> Tensor:
    """Return what is left of pixels (b, 3, f, h, w) after encoding and decoding, float32 in [-1, 1]."""
    with autocast(precision, pixels.device):
        return autoencoder.decode(autoencoder.encode(pixels)).float().clamp(-1, 1)


def measure(autoencoder: Autoencoder, source: Source, clips: int = 64, batch: int = 16) -> dict[str, float]:
    """Return PSNR (dB) of whole clips and of their moving pixels, on clips that were not trained on."""
    device, found = device_of(autoencoder), []
    for start in range(0, clips, batch):
        pixels = source(UNSEEN + 1000 + torch.arange(start, min(clips, start + batch))).to(device)
        decoded = reconstruct(autoencoder, pixels)
        found.append(torch.stack([psnr(decoded, pixels), psnr(decoded, pixels, moving_pixels(pixels))]))
    whole, moving = torch.stack(found).nanmean(0).tolist()
    return {"psnr": whole, "psnr_moving": moving}


def choose_average(autoencoder: Autoencoder, config: TrainConfig, source: Source, run_dir: Path) -> dict[str, float]:
    """Load the weights or average of a run that reconstructs best; return its measures (half-life 0: the weights)."""
    scores: dict[int, dict[str, float]] = {}
    for halflife in (0, *config.optim.ema_halflives):
        autoencoder.load_state_dict(read_weights(run_dir, "autoencoder", halflife or None))
        scores[halflife] = measure(autoencoder, source)
    best = max(scores, key=lambda halflife: scores[halflife]["psnr"])
    autoencoder.load_state_dict(read_weights(run_dir, "autoencoder", best or None))
    return {"halflife": best, **scores[best]}


@torch.no_grad()
def finish_autoencoder(
    autoencoder: Autoencoder, config: TrainConfig, source: Source, run_dir: Path, clips: int = 256
) -> dict[str, float]:
    """Choose the best average, standardise its latents, write autoencoder.safetensors; return its measures."""
    found = choose_average(autoencoder, config, source, run_dir)
    starts = range(0, clips, 16)
    device = device_of(autoencoder)
    raw = [autoencoder.encode(source(UNSEEN + 5000 + torch.arange(s, s + 16)).to(device)) for s in starts]
    autoencoder.calibrate(torch.cat(raw))
    write_tensors(run_dir / "autoencoder.safetensors", autoencoder.state_dict())
    return found
