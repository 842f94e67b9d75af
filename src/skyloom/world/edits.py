"""Paired edits: the same scene, one thing changed.

`edited` changes one thing in every scene and says which kind; phrases for the instruction are in instructions.py. What
an edit leaves alone keeps its tensors bit for bit, so that the two clips differ by the edit only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from skyloom.config import WorldConfig
from skyloom.errors import one_of
from skyloom.seeds import hashed_uniform
from skyloom.world.actors import ACTORS
from skyloom.world.events import eligible_events
from skyloom.world.layout import arrange
from skyloom.world.physics import is_relation
from skyloom.world.sampling import SWIM_PLACES, UNHURRIED
from skyloom.world.scene import NO_ACTOR, Scenes
from skyloom.world.split import SPLITS, is_heldout
from skyloom.world.vocabulary import CAMERAS, COLORS, MOTIONS, PLACES, RELATIONS, SPEEDS, STYLES, TRAVELS, WEATHERS

IN_PLACE = ("stand", "jump", "spin", "grow", "shrink")
"""Motions on the ground that stay where they are: among them an actor's start need not change."""

NIGHT = WEATHERS.index("night")


@dataclass(frozen=True)
class Edit:
    """One kind of edit of b scenes."""

    possible: Tensor  # (b,) bool
    scenes: Scenes  # edited; meaningless where not possible


@dataclass(frozen=True)
class _Rules:
    """What the edited scene may show: a world's limits, no held-out combination unless for tests, the frame's shape."""

    config: WorldConfig
    split: str
    aspect: float

    def permitted(self, scenes: Scenes) -> Tensor:
        """(b,) bool: no held-out combination in any shot, nothing swims out of water."""
        place = scenes.shot_place[:, None]
        actor, motion = scenes.actor[..., None], scenes.motion[..., None]
        water = _listed(SWIM_PLACES, PLACES, place.device)[place]
        good = (actor == NO_ACTOR) | (motion != MOTIONS.index("swim")) | water
        if self.split != "heldout":
            good = good & ~is_heldout(actor, motion, place)
        return good.all(dim=2).all(dim=1)


def _listed(chosen: tuple[str, ...] | None, names: tuple[str, ...], device: torch.device) -> Tensor:
    """(n,) bool: which of `names` are chosen; all for None."""
    return torch.tensor([chosen is None or name in chosen for name in names], device=device)


def _choose(options: Tensor, draw: Tensor) -> Tensor:
    """Return (b,) one of the True columns of options (b, n) each, uniformly by draw in [0, 1); 0 where none is."""
    rank = options.long().cumsum(dim=1)
    wanted = (draw * rank[:, -1]).long().clamp(max=(rank[:, -1] - 1).clamp(min=0)) + 1
    return ((rank == wanted[:, None]) & options).long().argmax(dim=1)


def _choose_permitted(
    scenes: Scenes, options: Tensor, draw: Tensor, change: Callable[[Tensor], Scenes], rules: _Rules
) -> Edit:
    """Try options in an order given by the draw until one is permitted."""
    possible = options.any(dim=1)
    chosen = _choose(options, draw)
    for step in range(1, 5):
        bad = ~rules.permitted(change(chosen))
        options = options & ~(bad[:, None] & torch.nn.functional.one_hot(chosen, options.shape[1]).bool())
        again = _choose(options, (draw * 7919.0 * step) % 1.0)
        chosen = torch.where(bad, again, chosen)
    result = change(chosen)
    return Edit(possible & options.any(dim=1) & rules.permitted(result), result)


def _other(value: Tensor, count: int) -> Tensor:
    """(b, count) bool: every number but `value`."""
    return torch.arange(count, device=value.device) != value[:, None]


def _with_slot(values: Tensor, slot: int, new: Tensor) -> Tensor:
    """Return values (b, k, ...) with one slot changed."""
    values = values.clone()
    values[:, slot] = new
    return values


def _no_cuts(scenes: Scenes) -> Tensor:
    return scenes.cut_time.isinf().all(dim=1)


def _count(scenes: Scenes) -> Tensor:
    return (scenes.actor != NO_ACTOR).sum(dim=1)


@functools.cache
def _kin(device: torch.device) -> Tensor:
    """(n, n) bool: actors of one category and medium, which can take each other's part."""
    kinds = [(actor.category, actor.medium) for actor in ACTORS]
    numbers = torch.tensor([sorted(set(kinds)).index(kind) for kind in kinds], device=device)
    return (numbers[:, None] == numbers) & ~torch.eye(len(kinds), dtype=torch.bool, device=device)


def _actor(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """Another actor of the same kind in the first one's place."""
    options = _kin(draw.device)[scenes.actor[:, 0]]
    options = options & (torch.arange(len(ACTORS), device=draw.device) < (rules.config.actors or len(ACTORS)))
    happens = scenes.event > 0
    able = eligible_events(draw.device)[:, scenes.motion[:, 0]].transpose(0, 1)  # (b, n, events)
    able = able.gather(2, scenes.event[:, None].expand(-1, len(ACTORS), -1)) | ~happens[:, None]
    options = options & able.all(dim=2)
    for slot in range(1, scenes.actor.shape[1]):
        options = options & _other(scenes.actor[:, slot], len(ACTORS))
    return _choose_permitted(
        scenes, options, draw, lambda new: replace(scenes, actor=_with_slot(scenes.actor, 0, new)), rules
    )


def _place(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """Another place."""
    options = _other(scenes.place, len(PLACES)) & _listed(rules.config.places, PLACES, draw.device)
    options = options & _no_cuts(scenes)[:, None]

    def change(new: Tensor) -> Scenes:
        return replace(scenes, place=new, shot_place=new[:, None].expand_as(scenes.shot_place).contiguous())

    return _choose_permitted(scenes, options, draw, change, rules)


def _weather(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """Another weather, clear too, but night."""
    options = _other(scenes.weather, len(WEATHERS))
    options[:, NIGHT] = False
    return Edit(options.any(dim=1), replace(scenes, weather=_choose(options, draw)))


def _night(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """Day becomes night."""
    by_day = (scenes.weather != NIGHT) & ~_listed(("neon street", "space"), PLACES, draw.device)[scenes.place]
    return Edit(by_day, replace(scenes, weather=torch.full_like(scenes.weather, NIGHT)))


def _style(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """Another picture style."""
    return Edit(
        torch.ones_like(draw, dtype=torch.bool),
        replace(scenes, style=_choose(_other(scenes.style, len(STYLES)), draw)),
    )


def _camera(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """Another motion of the camera."""
    new = _choose(_other(scenes.camera, len(CAMERAS)), draw)
    shots = new[:, None].expand_as(scenes.shot_camera).contiguous()
    return Edit(_no_cuts(scenes), replace(scenes, camera=new, shot_camera=shots))


def _remove(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """The last actor goes; not the one that the first relates to."""
    count = _count(scenes)
    possible = (count > 2) | ((count == 2) & ~is_relation(scenes))
    gone = torch.arange(scenes.actor.shape[1], device=draw.device) == count[:, None] - 1
    empty = replace(
        scenes,
        actor=scenes.actor.masked_fill(gone, NO_ACTOR),
        color=scenes.color.masked_fill(gone, NO_ACTOR),
        motion=scenes.motion.masked_fill(gone, MOTIONS.index("stand")),
        start=scenes.start.masked_fill(gone[..., None], 0.0),
    )
    return Edit(possible, empty)


def _color(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """Another colour of the first plain body."""
    plain = scenes.color != NO_ACTOR
    slot = plain.long().argmax(dim=1, keepdim=True)
    new = _choose(_other(scenes.color.gather(1, slot)[:, 0], len(COLORS)), draw)
    return Edit(plain.any(dim=1), replace(scenes, color=scenes.color.scatter(1, slot, new[:, None])))


def _motion(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """Another motion of the first actor: any when it is alone, else one that stays in place."""
    device = draw.device
    alone = (_count(scenes) == 1)[:, None]
    single = ~_listed(RELATIONS, MOTIONS, device) & _listed(rules.config.motions, MOTIONS, device)
    staying = _listed(IN_PLACE, MOTIONS, device)
    options = (
        single & (alone | (staying & staying[scenes.motion[:, 0], None])) & _other(scenes.motion[:, 0], len(MOTIONS))
    )
    eventless = (scenes.event == 0).all(dim=1)
    options = options & (eventless & ~is_relation(scenes))[:, None]
    unhurried = _listed(UNHURRIED, MOTIONS, device)

    def change(new: Tensor) -> Scenes:
        speed = torch.where(unhurried[new], SPEEDS.index("normal"), scenes.speed[:, 0])
        return replace(scenes, motion=_with_slot(scenes.motion, 0, new), speed=_with_slot(scenes.speed, 0, speed))

    edit = _choose_permitted(scenes, options, draw, change, rules)
    start = torch.where(alone[..., None], arrange(edit.scenes, rules.aspect).start, scenes.start)
    return replace(edit, scenes=replace(edit.scenes, start=start))


def _direction(scenes: Scenes, draw: Tensor, rules: _Rules) -> Edit:
    """A lone traveller goes the other way, from the other side."""
    travels = _listed(TRAVELS, MOTIONS, draw.device)[scenes.motion[:, 0]] & (_count(scenes) == 1)
    mirror = scenes.start.new_tensor([-1.0, 1.0, 1.0])
    return Edit(
        travels,
        replace(
            scenes,
            direction=_with_slot(scenes.direction, 0, -scenes.direction[:, 0]),
            start=_with_slot(scenes.start, 0, scenes.start[:, 0] * mirror),
        ),
    )


EDITS: dict[str, Callable[[Scenes, Tensor, _Rules], Edit]] = {
    "actor": _actor, "place": _place, "weather": _weather, "night": _night, "style": _style, "remove": _remove,
    "color": _color, "motion": _motion, "direction": _direction, "camera": _camera,
}  # fmt: skip

FIELDS = {
    "actor": ("actor",), "place": ("place", "shot_place"), "weather": ("weather",), "night": ("weather",),
    "style": ("style",), "remove": ("actor", "color", "motion", "start"), "color": ("color",),
    "motion": ("motion", "speed", "start"), "direction": ("direction", "start"), "camera": ("camera", "shot_camera"),
}  # fmt: skip
"""The fields of Scenes that each kind may change; `start` follows a motion so that the actor stays in view."""


def edited(
    scenes: Scenes,
    seed: int,
    config: WorldConfig | None = None,
    split: str = "train",
    kinds: tuple[str, ...] | None = None,
    aspect: float = 1.0,
) -> tuple[Scenes, list[str]]:
    """Change one thing in each of b scenes.

    Scene i is changed by (seed, scenes.index[i]) alone, in one of `kinds` (None: all EDITS) that can be done with it;
    where none can, its style changes. config: limits on actors, places and motions. split: other than "heldout", no
    edit makes a held-out combination. aspect: that for which the scenes were sampled. Returns the edited scenes
    and, for each, its kind.
    """
    rules = _Rules(config or WorldConfig(), one_of("split", split, SPLITS), aspect)
    names = [one_of("kinds", kind, EDITS) for kind in (EDITS if kinds is None else kinds)]
    draws = {name: hashed_uniform(seed, f"edit {name}", scenes.index)[:, 0] for name in (*names, "style", "kind")}
    options = [EDITS[name](scenes, draws[name], rules) for name in names]
    nothing = ~torch.stack([edit.possible for edit in options], dim=1).any(dim=1)
    names.append("style")
    options.append(replace(_style(scenes, draws["style"], rules), possible=nothing))
    chosen = _choose(torch.stack([edit.possible for edit in options], dim=1), draws["kind"])
    rows = torch.arange(len(scenes), device=chosen.device)
    merged = {
        f.name: torch.stack([getattr(edit.scenes, f.name) for edit in options])[chosen, rows] for f in fields(Scenes)
    }
    return Scenes(**merged), [names[k] for k in chosen.tolist()]
