"""Pictures of simulated scenes.

A frame is built from far to near: panoramas, footprints, contact shadows, reflections, actors by depth, falling things,
style. All steps are vectorised over scenes and frames; the loops run over actor slots, layers, weathers and styles.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.world import marks, places, sprites, styles, weather
from skyloom.world.actors import ACTORS
from skyloom.world.camera import EYE, project
from skyloom.world.places import View
from skyloom.world.scene import NO_ACTOR, Scenes, Tracks
from skyloom.world.sprites import Quads
from skyloom.world.vocabulary import COLORS, STYLES
from skyloom.world.windows import Window, windows_around

CHUNK_PIXELS = {"cpu": 17 * 64 * 64 * 8, "cuda": 33 * 128 * 128 * 64}
"""Pixels rendered at a time, so that frames stay in a CPU's cache and intermediates in a GPU's memory."""

SHADOW_RATIO = 0.4
"""Height over width of the windows that contact shadows are drawn in."""


@torch.no_grad()
def render(scenes: Scenes, tracks: Tracks, height: int, width: int) -> Tensor:
    """Draw every frame of b scenes.

    Returns (b, 3, f, h, w) float32 in [-1, 1], on the scenes' device. A scene looks the same in any batch. Raises
    InvalidArgument for a side below 8 pixels.
    """
    if min(height, width) < 8:
        raise InvalidArgument("height, width", (height, width), "be at least 8", (max(height, 8), max(width, 8)))
    device, count, length = scenes.index.device, *tracks.shot.shape
    out = torch.empty(count, 3, length, height, width, device=device)
    step = max(1, CHUNK_PIXELS.get(device.type, CHUNK_PIXELS["cpu"]) // (length * height * width))
    for start in range(0, count, step):
        rows = slice(start, start + step)
        clips = render_clips(scenes.select(rows), select_tracks(tracks, rows), View(height, width, device))
        out[rows] = clips.transpose(1, 2).mul_(2).sub_(1)
    return out


def select_tracks(tracks: Tracks, rows: slice) -> Tracks:
    """The tracks of some scenes."""
    fields = {name: value[rows] for name, value in vars(tracks).items() if isinstance(value, Tensor)}
    return Tracks(fps=tracks.fps, **fields)


def render_clips(scenes: Scenes, tracks: Tracks, view: View) -> Tensor:
    """Draw scenes: (b, f, 3, h, w) in [0, 1]."""
    count, length = tracks.shot.shape
    place = scenes.shot_place.gather(1, tracks.shot)
    frames = draw_backgrounds(scenes, tracks, place, view)
    draw_footprints(frames.unflatten(0, (count, length)), scenes, tracks, view)
    draw_shadows(frames, tracks, scenes, place, view)
    draw_actors(frames, scenes, tracks, place, view)
    draw_falls(frames, scenes, tracks, view)
    video = frames.clamp_(0, 1).unflatten(0, (count, length))
    return styles.apply_styles(video, scenes.style, scenes.variation)


def frame_of(values: Tensor, length: int) -> Tensor:
    """Repeat what belongs to a scene for each of its frames: (b, ...) to (b * f, ...)."""
    return values.repeat_interleave(length, 0)


def draw_backgrounds(scenes: Scenes, tracks: Tracks, place: Tensor, view: View) -> Tensor:
    """Everything behind the actors, drawn once for all frames that see the same: (b * f, 3, h, w)."""
    seen = torch.cat([tracks.camera, place[..., None], tracks.shot[..., None]], -1)
    fresh = torch.ones_like(tracks.shot, dtype=torch.bool)
    fresh[:, 1:] = (seen[:, 1:] != seen[:, :-1]).any(-1)
    fresh = fresh.flatten()
    owner = torch.nonzero(fresh)[:, 0] // tracks.shot.shape[1]
    variation = scenes.variation[owner]
    drawn = background(
        place.flatten()[fresh], scenes.weather[owner], variation, tracks.camera.flatten(0, 1)[fresh], view
    )
    flat = scenes.style[owner] == STYLES.index("cartoon")
    if bool(flat.any()):
        drawn[flat] = styles.flatten_background(drawn[flat])
    return drawn[fresh.cumsum(0) - 1]


def background(place: Tensor, air: Tensor, variation: Tensor, camera: Tensor, view: View) -> Tensor:
    """Panoramas in their weather: (n, 3, h, w) in [0, 1]."""
    level = places.level_for(view.pixels_per_metre)
    x, y = places.layer_coordinates(0, view, camera, variation)
    sky = places.sample_layer(0, place, x, y, level)[:, :3] * places.tint_of(variation)
    frame = weather.paint_sky(sky, air, place, variation, x, y)
    light = weather.light_of(air)[..., None, None] * places.tint_of(variation)
    for layer in range(1, len(places.PARALLAX)):
        x, y = places.layer_coordinates(layer, view, camera, variation)
        pixels = places.sample_layer(layer, place, x, y, level)
        frame = frame * (1 - pixels[:, 3:]) + pixels[:, :3] * light
    return weather.mist(frame, air, y).clamp(0, 1)


def draw_footprints(video: Tensor, scenes: Scenes, tracks: Tracks, view: View) -> None:
    """Darken the ground where actor 0 has stepped, in place. video: (b, f, 3, h, w)."""
    rows = torch.nonzero((tracks.mark[..., marks.FOOTPRINTS] > 0).any(1))[:, 0]
    if not len(rows):
        return
    step, made = marks.steps(tracks.position[rows, :, 0], tracks.mark[rows, :, marks.FOOTPRINTS])
    camera = tracks.camera[rows][:, :, None]
    x, y, scale = project(step[:, None], camera)
    number = torch.arange(step.shape[1], device=view.device)
    shown = made[:, None] * (number[:, None] > number) * (tracks.shot[rows][..., None] == tracks.shot[rows][:, None])
    grid_x, grid_y = (axis.expand(len(rows), len(number), -1) for axis in (view.x, view.y - EYE))
    dark = marks.footprints(x, y, shown, grid_x, grid_y, scale)
    video[rows] *= 1 - 0.5 * dark[:, :, None]


def to_pixels(position: Tensor, camera: Tensor, view: View) -> tuple[Tensor, Tensor, Tensor]:
    """Project metres to pixels: x right, y down, pixels a metre there."""
    x, y, scale = project(position, camera)
    unit = view.pixels_per_metre
    return view.width / 2 + x * unit, view.height / 2 - y * unit, scale * unit


def draw_shadows(frames: Tensor, tracks: Tracks, scenes: Scenes, place: Tensor, view: View) -> None:
    """Darken the ground under each actor, less the higher it is, in place."""
    aspect = sprites.actor_table(view.device)[scenes.actor.clamp(min=0), 0]
    strength = places.place_values(places.SHADOWS, places.DEFAULT_SHADOW, view.device)[place].flatten()
    for slot in range(scenes.actor.shape[1]):
        lift = tracks.position[:, :, slot, 1].clamp(min=0)
        x, y, scale = to_pixels(on_ground(tracks.position[:, :, slot]), tracks.camera, view)
        width = tracks.size[:, :, slot] * aspect[:, slot, None] / tracks.stretch[:, :, slot]
        dark = (tracks.opacity[:, :, slot] * (1 - lift / 2.5).clamp(0, 1)).flatten() * strength
        rows = torch.nonzero(dark > 0.01)[:, 0]
        x, y, wide = (value.flatten()[rows] for value in (x, y, 0.46 * width * (1 + 0.35 * lift) * scale))
        wide = wide.clamp(min=1e-3)
        tall = 0.26 * wide + 0.02 * view.pixels_per_metre
        for window in windows_around(frames, rows, x, y, 2.2 * wide, 2.2 * tall, ratio=SHADOW_RATIO):
            x_, y_, wide_, tall_ = (value[window.picked, None] for value in (x, y, wide, tall))
            across = bell((window.columns() - x_) / wide_)
            along = bell((window.lines() - y_) / tall_) * dark[window.rows, None]
            window.multiply(frames, 1 - along[:, None, :, None] * across[:, None, None])


def bell(distance: Tensor) -> Tensor:
    """A Gaussian's shape that ends at 2.2."""
    return ((torch.exp(-(distance**2)) - 0.008) / 0.992).clamp(min=0)


def on_ground(position: Tensor) -> Tensor:
    """The points of the ground under positions (..., 3)."""
    return position * position.new_tensor([1.0, 0.0, 1.0])


def tint_of_actors(scenes: Scenes, place: Tensor) -> Tensor:
    """Own colour times light: (b, f, k, 3)."""
    device = place.device
    palette = torch.tensor([*COLORS.values(), (1.0, 1.0, 1.0)], device=device)
    light = places.place_light(device)[place] * weather.actor_light(scenes.weather)[:, None]
    return palette[scenes.color][:, None] * light[:, :, None]


def quads_of(scenes: Scenes, tracks: Tracks, place: Tensor, cell: Tensor, view: View) -> Quads:
    """All actors in all frames as quads, (b, f, k) flattened with the slot last."""
    shape = tracks.size.shape
    traits = sprites.actor_table(view.device)[scenes.actor.clamp(min=0)][:, None].expand(*shape, 2)
    aspect, looks = traits[..., 0], traits[..., 1]
    tall = tracks.size * tracks.stretch
    center = tracks.position.clone()
    center[..., 1] += tall / 2
    x, y, scale = to_pixels(center, tracks.camera[:, :, None], view)
    longer = aspect.clamp(min=1)
    slot = torch.arange(shape[2], device=view.device)
    parts = {
        "slot": slot.expand(shape), "cell": cell[:, None].expand(shape), "x": x, "y": y,
        "width": (tracks.size * longer / tracks.stretch * scale).clamp(min=0.5),
        "height": (tall * longer * scale).clamp(min=0.5),
        "angle": tracks.angle, "flip": torch.where(tracks.facing * looks < 0, -1.0, 1.0),
        "upright": torch.ones_like(x), "opacity": tracks.opacity,
        "fill_x": aspect.clamp(max=1), "fill_y": 1 / longer,
    }  # fmt: skip
    tint, position = tint_of_actors(scenes, place).flatten(0, 2), tracks.position.flatten(0, 2)
    return Quads(tint=tint, position=position, **{name: value.flatten() for name, value in parts.items()})


def draw_actors(frames: Tensor, scenes: Scenes, tracks: Tracks, place: Tensor, view: View) -> None:
    """Draw reflections, then the actors from far to near, in place. frames: (b * f, 3, h, w)."""
    slots = scenes.actor.shape[1]
    cartoon = (scenes.style == STYLES.index("cartoon")).long()[:, None] * len(ACTORS)
    sheet, cell = sprites.gather_sheet(scenes.actor.clamp(min=0) + cartoon)
    quads = quads_of(scenes, tracks, place, cell, view)
    there = (tracks.opacity > 0) & (scenes.actor != NO_ACTOR)[:, None]
    far_first = tracks.position[..., 2].masked_fill(~there, 1e6).argsort(dim=-1, descending=True, stable=True)
    number = torch.arange(len(frames), device=view.device)[:, None] * slots + far_first.flatten(0, 1)
    turns = [(torch.nonzero(there.flatten()[number[:, turn]])[:, 0], turn) for turn in range(slots)]
    mirror = places.place_values(places.MIRRORS, 0.0, view.device)[place].flatten()
    for rows, turn in turns:
        wet = rows[mirror[rows] > 0]
        draw_mirrored(frames, wet, quads.select(number[wet, turn]), sheet, mirror[wet], tracks, view)
    for rows, turn in turns:
        draw_upright(frames, rows, quads.select(number[rows, turn]), sheet, scenes, tracks, place, view)


def draw_mirrored(
    frames: Tensor, rows: Tensor, quads: Quads, sheet: Tensor, strength: Tensor, tracks: Tracks, view: View
) -> None:
    """Draw faint upside-down pictures below the ground, one for each of the rows."""
    _, ground_y, _ = to_pixels(on_ground(quads.position), tracks.camera.flatten(0, 1)[rows], view)
    quads = replace(quads, y=2 * ground_y - quads.y, upright=-quads.upright, opacity=quads.opacity * strength)
    reach = sprites.reach_of(quads)
    for window in windows_around(frames, rows, quads.x, quads.y, reach, reach):
        part = quads.select(window.picked)
        u, v = sprites.local_coordinates(part, window)
        window.lay_over(frames, sprites.sample_quads(sheet, part, u, v))


def draw_upright(
    frames: Tensor, rows: Tensor, quads: Quads, sheet: Tensor, scenes: Scenes, tracks: Tracks, place: Tensor, view: View
) -> None:
    """Draw one actor in each of the rows, with its marks, sunk to the waterline where there is water."""
    mark = tracks.mark.flatten(0, 1)[rows] * (quads.slot == 0)[:, None]
    mark[:, marks.FOOTPRINTS] = 0
    length = tracks.shot.shape[1]
    water = places.place_values(places.WATERLINES, 0.0, view.device)[place.flatten()[rows]]
    reach = sprites.reach_of(quads) * torch.where(mark[:, marks.BLOWN_OUT] > 0, 1.3, 1.0)
    for window in windows_around(frames, rows, quads.x, quads.y, reach, reach):
        part = quads.select(window.picked)
        u, v = sprites.local_coordinates(part, window)
        sprite = sprites.sample_quads(sheet, part, u, v)
        marked = torch.nonzero((mark[window.picked] > 0).any(1))[:, 0]
        if len(marked):
            frame = window.rows[marked]
            a = (u[marked] - 0.5) * 2 / part.fill_x[marked, None, None]
            b = (1 - v[marked]) / part.fill_y[marked, None, None]
            variation, seconds = scenes.variation[frame // length], (frame % length) / tracks.fps
            done = mark[window.picked[marked]]
            sprite[marked] = marks.apply_marks(sprite[marked], a, b, done, variation, seconds)
        wet = water[window.picked]
        if bool((wet > 0).any()):
            sprite *= 1 - wet[:, None, None, None] * submerged(part, window, tracks, view)
        window.lay_over(frames, sprite)


def submerged(quads: Quads, window: Window, tracks: Tracks, view: View) -> Tensor:
    """How far each line of pixels lies under the water at the actor's depth: (n, 1, h, 1)."""
    _, surface, scale = to_pixels(on_ground(quads.position), tracks.camera.flatten(0, 1)[window.rows], view)
    depth = (window.lines() - surface[:, None]) / scale[:, None] + 0.16
    return (depth / 0.1).clamp(0, 1)[:, None, :, None]


def draw_falls(frames: Tensor, scenes: Scenes, tracks: Tracks, view: View) -> None:
    """Draw rain, snow and petals before everything, in place."""
    count, length = tracks.shot.shape
    camera = tracks.camera.flatten(0, 1)
    x = view.x / camera[:, 2:] + camera[:, :1]
    y = (view.y - EYE) / camera[:, 2:] + EYE + camera[:, 1:2]
    seconds = (torch.arange(length, device=view.device) / tracks.fps).repeat(count)
    air, variation = frame_of(scenes.weather, length), frame_of(scenes.variation, length)
    weather.add_falls(frames, air, x, y, seconds, variation)
