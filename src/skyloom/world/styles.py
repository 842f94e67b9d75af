"""Picture styles as filters over rendered frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.world.vocabulary import STYLES
from skyloom.world.weather import hash_cells, lane

PIXEL_ROWS = 32
LUMA = (0.299, 0.587, 0.114)


def luma(frames: Tensor) -> Tensor:
    """Brightness (n, 1, h, w)."""
    return (frames * frames.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def steps_of(values: Tensor, levels: int, soft: float) -> Tensor:
    """Posterise values in [0, 1] to `levels` plateaus with edges `soft` of a step wide."""
    scaled = values * (levels - 1)
    base = torch.floor(scaled)
    return (base + ((scaled - base - 0.5) / soft + 0.5).clamp(0, 1)) / (levels - 1)


def saturate(frames: Tensor, amount: float) -> Tensor:
    """Push colours away from grey."""
    return torch.lerp(luma(frames).expand_as(frames), frames, amount).clamp(0, 1)


def flatten_background(background: Tensor) -> Tensor:
    """The cartoon look of a place: stronger colours in flat areas."""
    return steps_of(saturate(background, 1.3), 6, 0.25)


def blurred(values: Tensor, radius: int) -> Tensor:
    """Two box blurs, edges repeated."""
    for _ in range(2):
        values = F.avg_pool2d(F.pad(values, (radius,) * 4, mode="replicate"), 2 * radius + 1, 1)
    return values


def slopes(values: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """Central differences over `reach` pixels, to the right and down."""
    padded = F.pad(values, (reach,) * 4, mode="replicate")
    inner = slice(reach, -reach)
    right = padded[..., inner, 2 * reach :] - padded[..., inner, : -2 * reach]
    down = padded[..., 2 * reach :, inner] - padded[..., : -2 * reach, inner]
    return right, down


def pixel_art(frames: Tensor) -> Tensor:
    """Large square pixels of few colours: (n, 3, h, w)."""
    height, width = frames.shape[-2:]
    side = max(2, round(height / PIXEL_ROWS))
    padded = F.pad(frames, (0, -width % side, 0, -height % side), mode="replicate")
    small = steps_of(saturate(F.avg_pool2d(padded, side), 1.2), 7, 0.01)
    large = small.repeat_interleave(side, -2).repeat_interleave(side, -1)
    return large[..., :height, :width]


def charcoal(frames: Tensor) -> Tensor:
    """Dark outlines and soft shading on warm paper."""
    reach = max(1, round(frames.shape[-2] / 128))
    right, down = slopes(frames, reach)
    edge = ((torch.hypot(right, down).amax(1, keepdim=True) - 0.1) * 2.2).clamp(0, 1)
    tone = steps_of(((luma(frames) - 0.12) / 0.7).clamp(0, 1) ** 1.2, 6, 0.7)
    paper = frames.new_tensor((0.97, 0.955, 0.92))[:, None, None]
    return paper * (0.3 + 0.7 * tone) * (1 - 0.85 * edge)


def old_film(frames: Tensor, variation: Tensor, frame: Tensor) -> Tensor:
    """Black and white or sepia, with vignette, flicker, a slight jump of the gate and a scratch.

    variation: (n, 8); frame: (n,) number of the frame in its clip.
    """
    height, width = frames.shape[-2:]
    salt = (variation[:, 7] * 65536).long()
    bits = hash_cells(frame.long(), torch.zeros_like(salt), salt)
    jump = torch.round((lane(bits, 0) * 2 - 1) * 0.012 * height).long()
    rows = (torch.arange(height, device=frames.device) + jump[:, None]).clamp(0, height - 1)
    grey = luma(frames).gather(2, rows[:, None, :, None].expand(-1, 1, -1, width))
    y, x = (torch.linspace(-1, 1, size, device=frames.device) for size in (height, width))
    vignette = 1 - 0.42 * ((x**2 + y[:, None] ** 2) / 2) ** 1.5
    flicker = (0.95 + 0.1 * lane(bits, 1))[:, None, None, None]
    scratch = torch.exp(-(((x - (lane(bits, 2) * 2.4 - 1.2)[:, None]) / 0.03) ** 2)) * (lane(bits, 3) < 0.22)[:, None]
    tone = (((grey - 0.5) * 1.12 + 0.5) * vignette * flicker + 0.16 * scratch[:, None, None]).clamp(0, 1)
    sepia = frames.new_tensor((1.0, 0.9, 0.72))[:, None, None]
    return tone * torch.where(variation[:, 0, None, None, None] < 0.5, sepia, torch.ones_like(sepia))


def clay(frames: Tensor) -> Tensor:
    """Rounded matt shading, as if every patch of colour were a lump of clay lit from the upper left."""
    reach = max(1, round(frames.shape[-2] / 64))
    right, down = slopes(blurred(luma(frames), reach), reach)
    relief = 1 + (1.3 * (right + 1.3 * down)).clamp(-0.4, 0.4)
    matt = blurred(frames, reach) * 0.3 + frames * 0.7
    return (steps_of(saturate(matt, 1.15), 8, 0.5) * relief * 0.94 + 0.03).clamp(0, 1)


def hold_frames(video: Tensor) -> Tensor:
    """Show every second frame twice: (s, f, 3, h, w)."""
    frame = torch.arange(video.shape[1], device=video.device)
    return video[:, frame - frame % 2]


def apply_styles(video: Tensor, style: Tensor, variation: Tensor) -> Tensor:
    """Filter clips (b, f, 3, h, w) in [0, 1] by their styles (b,)."""
    for name in ("pixel art", "charcoal", "1920s film", "claymation"):
        rows = torch.nonzero(style == STYLES.index(name))[:, 0]
        if not len(rows):
            continue
        clips = hold_frames(video[rows]) if name == "claymation" else video[rows]
        count, length = clips.shape[:2]
        frames = clips.flatten(0, 1)
        if name == "1920s film":
            number = torch.arange(length, device=video.device).repeat(count)
            frames = old_film(frames, variation[rows].repeat_interleave(length, 0), number)
        else:
            frames = {"pixel art": pixel_art, "charcoal": charcoal, "claymation": clay}[name](frames)
        video = video.index_copy(0, rows, frames.unflatten(0, (count, length)))
    return video
