"""The decoder's stage: better pictures from the same latents.

The encoder stands still, so whatever was trained on its latents stays valid, and the decoder can be refined on its own
while, or after, the transformer learns. The decoder may be deeper than the one that the autoencoder's stage trained:
blocks it did not have start as the identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from skyloom.config import TrainConfig
from skyloom.models.autoencoder import Autoencoder
from skyloom.seeds import generator_for, normal_on
from skyloom.training.autoencoder import LATENT_NOISE, choose_average, psnr, reconstruction_loss, show, start_from
from skyloom.training.batches import Batches, Source
from skyloom.training.checkpointing import write_tensors
from skyloom.training.distributed import Ranks
from skyloom.training.ema import Ema
from skyloom.training.loop import autocast, compiled, device_of

ENCODER = ("look.", "fine.", "fold.", "encoder.", "encoder_out.", "straight_in.")
DEEPENED = ("decoder.", "middle.")


def start_decoder(autoencoder: Autoencoder, state: Mapping[str, Tensor]) -> None:
    """Load a finished autoencoder and freeze its encoder; blocks that only the deeper decoder has stay as made.

    Raises CheckpointError when anything else is missing or does not fit.
    """
    start_from(autoencoder, state, DEEPENED)
    for name, parameter in autoencoder.named_parameters():
        parameter.requires_grad_(not name.startswith(ENCODER))


class DecoderStage:
    """Trains the decoder of an Autoencoder that `start_decoder` has prepared."""

    def __init__(
        self, autoencoder: Autoencoder, config: TrainConfig, source: Source, run_dir: Path, *,
        ranks: Ranks = Ranks(), workers: int = 0,
    ) -> None:  # fmt: skip
        """`autoencoder` is on its device already; `workers` processes render ahead."""
        self.autoencoder, self.config, self.run_dir, self.ranks = autoencoder, config, run_dir, ranks
        self.device = device_of(autoencoder)
        self._source, self._batches = source, Batches(source, config, ranks, workers, self.device)
        self._decode, self._error = compiled(autoencoder.decode, config), compiled(reconstruction_loss, config)

    def modules(self) -> dict[str, nn.Module]:
        """Return the network, by name."""
        return {"autoencoder": self.autoencoder}

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the loss of a step's clips, decoded from slightly noised latents."""
        pixels = self._batches.at(step)
        with autocast(self.config.precision, self.device):
            with torch.no_grad():
                latents = self.autoencoder.encode(pixels).float()
            generator = generator_for(self.config.seed, "decoder step", step)
            shape, rows = (self.config.batch_size, *latents.shape[1:]), self.ranks.rows(self.config.batch_size)
            noise = normal_on(self.device, shape, generator, rows)
            decoded = self._decode(latents + LATENT_NOISE * noise)
        return self._error(decoded, pixels), {"psnr": psnr(decoded.detach(), pixels)}

    def samples(self, step: int, ema: Ema) -> None:
        """Write clips that were not trained on above their reconstructions, by the first average."""
        if self.ranks.leads:
            with ema.applied():
                show(self.autoencoder, self._source, self.run_dir / "samples" / f"{step:08d}.png")


def finish_decoder(autoencoder: Autoencoder, config: TrainConfig, source: Source, run_dir: Path) -> dict[str, float]:
    """Choose the best average and write autoencoder.safetensors, the encoder as it was; return its measures."""
    found = choose_average(autoencoder, config, source, run_dir)
    write_tensors(run_dir / "autoencoder.safetensors", autoencoder.state_dict())
    return found
