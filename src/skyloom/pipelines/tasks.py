"""Tasks as ways to fill a canvas.

No task has a pipeline, a model or an adapter of its own. `Encode` turns pixels (1, 3, f, h, w) into latents. The
autoencoder is causal: latent frame 0 is pixel frame 0, latent frame k > 0 holds the `temporal` pixel frames that end
with frame k * temporal, so what is pinned after the start is pinned in whole groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.data.fitting import fit, resample
from skyloom.errors import InvalidArgument
from skyloom.pipelines.canvas import Canvas, PromptSpan
from skyloom.shapes import LatentSize, Strides, VideoSize, nearest_frames
from skyloom.video import Video

Encode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Room:
    """What every task needs.

    size, fps: of the video to make. strides, patch, encode: how it becomes latents. mode: how pictures are fitted.
    scalars: what the network is told beside the prompt.
    """

    size: VideoSize
    fps: float
    strides: Strides
    encode: Encode
    patch: int = 1
    mode: str = "crop"
    scalars: Mapping[str, float] = field(default_factory=dict)

    @property
    def latents(self) -> LatentSize:
        """The latent grid. Raises InvalidArgument when the size does not divide."""
        return self.size.latents(self.strides, self.patch)

    def fitted(self, video: Video) -> Video:
        """Bring a picture or video to this size and rate."""
        rated = resample(video, self.fps) if len(video.frames) > 1 else video
        return fit(rated, self.size.height, self.size.width, self.mode)

    def encoded(self, video: Video) -> Tensor:
        """Return the latents of a video whose first 1 + temporal * k frames are used."""
        pixels = self.fitted(video).pixels()
        used = 1 + (pixels.shape[2] - 1) // self.strides.temporal * self.strides.temporal
        return self.encode(pixels[:, :, :used])


def text_to_video(room: Room, prompt: str, **scalars: float) -> Canvas:
    """Nothing is known; a size of one frame makes a picture."""
    return Canvas(room.latents, (PromptSpan(prompt),), scalars={**room.scalars, **scalars})


def pinned(canvas: Canvas, parts: Mapping[int, Tensor]) -> Canvas:
    """Pin latents (1, c, k, h, w) at latent frame numbers; later parts cover earlier ones."""
    size = canvas.size
    channels = next(iter(parts.values())).shape[1]
    grid = (size.latent_frames, size.latent_height, size.latent_width)
    known, mask = torch.zeros(1, channels, *grid), torch.zeros(1, 1, *grid)
    for first, latents in parts.items():
        end = first + latents.shape[2]
        if first < 0 or end > size.latent_frames:
            wanted = f"fit into {size.latent_frames} latent frames"
            raise InvalidArgument("pinned frames", f"{first} to {end - 1}", wanted)
        known[:, :, first:end], mask[:, :, first:end] = latents, 1.0
    return replace(canvas, known=known, mask=mask)


def keyframes(room: Room, prompt: str, pictures: Mapping[int, Video]) -> Canvas:
    """Pin pictures at pixel frames that are multiples of the temporal stride; 0 alone is image to video.

    A picture after frame 0 is held for the whole group of frames that ends with its own.
    """
    stride = room.strides.temporal
    parts: dict[int, Tensor] = {}
    for frame, picture in sorted(pictures.items()):
        if frame % stride or not 0 <= frame < room.size.num_frames:
            wanted = f"be a multiple of {stride} from 0 to {room.size.num_frames - 1}"
            nearest = min(max(round(frame / stride) * stride, 0), room.size.num_frames - 1)
            raise InvalidArgument("frame of a picture", frame, wanted, nearest)
        still = replace(picture, frames=picture.frames[:1])
        pixels = room.fitted(still).pixels()
        held = pixels if frame == 0 else pixels.expand(-1, -1, 1 + stride, -1, -1)
        parts[frame // stride] = room.encode(held)[:, :, -1:]
    return pinned(text_to_video(room, prompt), parts)


def ending(room: Room, video: Video, latent_frames: int) -> Tensor:
    """Return latents of the last 1 + temporal * (latent_frames - 1) frames, to stand at the start."""
    frames = room.fitted(video).frames
    wanted = 1 + room.strides.temporal * (latent_frames - 1)
    _check_length(frames.shape[0], wanted, room)
    return room.encoded(replace(video, frames=frames[-wanted:], fps=room.fps))


def beginning(room: Room, video: Video, latent_frames: int) -> Tensor:
    """Return latents of frames 1 to temporal * latent_frames, to stand at the end: groups without the first frame."""
    frames = room.fitted(video).frames
    wanted = 1 + room.strides.temporal * latent_frames
    _check_length(frames.shape[0], wanted, room)
    return room.encoded(replace(video, frames=frames[:wanted], fps=room.fps))[:, :, 1:]


def _check_length(count: int, wanted: int, room: Room) -> None:
    if count < wanted:
        raise InvalidArgument("video", f"{count} frames at {room.fps:g} fps", f"have at least {wanted}")


def extend(room: Room, prompt: str, video: Video, latent_frames: int = 2) -> Canvas:
    """Go on after a video: its last 1 + temporal * (latent_frames - 1) frames are the first ones here."""
    return pinned(text_to_video(room, prompt), {0: ending(room, video, latent_frames)})


def extend_back(room: Room, prompt: str, video: Video, latent_frames: int = 2) -> Canvas:
    """Lead up to a video: its frames 1 to temporal * latent_frames are the last ones here."""
    first = room.latents.latent_frames - latent_frames
    return pinned(text_to_video(room, prompt), {first: beginning(room, video, latent_frames)})


def connect(room: Room, prompt: str, before: Video, after: Video, latent_frames: int = 2) -> Canvas:
    """Lead from the end of one video to the beginning of another."""
    parts = {
        0: ending(room, before, latent_frames),
        room.latents.latent_frames - latent_frames: beginning(room, after, latent_frames),
    }
    return pinned(text_to_video(room, prompt), parts)


def loop(room: Room, prompt: str, video: Video, latent_frames: int = 2) -> Canvas:
    """Lead from a video's end back to its own beginning."""
    return connect(room, prompt, video, video, latent_frames)


def inpaint(room: Room, prompt: str, video: Video, mask: Tensor) -> Canvas:
    """Make what lies under `mask` (f, h, w), 1 where asked for, at the video's fitted size; the rest is known.

    A cell is known only if none of its pixels is asked for.
    """
    latents = _whole(room, video)
    if tuple(mask.shape) != (room.size.num_frames, room.size.height, room.size.width):
        wanted = f"be ({room.size.num_frames}, {room.size.height}, {room.size.width})"
        raise InvalidArgument("mask", tuple(mask.shape), wanted)
    asked = (mask.float() > 0)[None, None].float()
    head = F.max_pool3d(asked[:, :, :1], (1, room.strides.spatial, room.strides.spatial))
    kernel = (room.strides.temporal, room.strides.spatial, room.strides.spatial)
    parts = [head, F.max_pool3d(asked[:, :, 1:], kernel)] if room.size.num_frames > 1 else [head]
    return replace(text_to_video(room, prompt), known=latents, mask=1 - torch.cat(parts, dim=2))


def _whole(room: Room, video: Video) -> Tensor:
    """Return latents of a video that must fill the room."""
    fitted = room.fitted(video)
    _check_length(len(fitted.frames), room.size.num_frames, room)
    return room.encoded(replace(fitted, frames=fitted.frames[: room.size.num_frames], fps=room.fps))


def restyle(room: Room, prompt: str, video: Video, strength: float) -> Canvas:
    """Start from the video noised to `strength` in (0, 1]: small keeps it, 1 forgets it."""
    return replace(text_to_video(room, prompt), start=_whole(room, video), strength=strength)


def instruct(room: Room, instruction: str, video: Video) -> Canvas:
    """Show the network the whole video as a second input, with words that say what to change."""
    return replace(text_to_video(room, instruction), source=_whole(room, video))


def room_for(video: Video, room: Room) -> Room:
    """Return a room as long as a video at the room's rate, to the nearest length that divides."""
    frames = nearest_frames(video.seconds * room.fps, room.strides)
    while frames > 1 and frames > len(room.fitted(video).frames):
        frames -= room.strides.temporal
    return replace(room, size=replace(room.size, num_frames=frames))
