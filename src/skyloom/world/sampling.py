"""Random scenes of a world, by number."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.config import WorldConfig
from skyloom.errors import InvalidArgument, one_of
from skyloom.seeds import hashed_uniform
from skyloom.world.actors import ACTORS
from skyloom.world.bodies import takes_color
from skyloom.world.events import WEIGHTS, eligible_events
from skyloom.world.layout import arrange
from skyloom.world.relations import PARTNER
from skyloom.world.scene import NO_ACTOR, Scenes
from skyloom.world.split import SPLITS, heldout_table
from skyloom.world.vocabulary import (
    CAMERAS,
    COLORS,
    EVENTS,
    MAX_ACTORS,
    MOTIONS,
    PLACES,
    RELATIONS,
    SPEEDS,
    STYLES,
    WEATHERS,
)

RELATION_WEIGHT = 3.0
"""How much likelier each relation is than each other motion, where there are several actors."""
SWIM_PLACES = ("sea", "underwater")
UNHURRIED = ("stand", "jump", "bounce", "fall")
"""Motions whose pace gravity or rest decides: always at normal speed."""
SECOND_EVENT = 0.25
SECOND_CUT = 0.3


@dataclass(frozen=True)
class _Menu:
    """What a world may show; combinations are tables of (motion, place, actor) weights."""

    cast: int  # number of actors to choose from
    first: Tensor  # (e * m * p * a + 1,) running sum over what actor 0 may be in the first shot, for each event
    later: Tensor  # (m, p, a) actor 0 in later shots
    others: Tensor  # (m, p, a) the other actors
    happens: Tensor  # (e,) weights of the events
    alone: Tensor  # (e, m) weights of actor 0's motion without
    together: Tensor  # and with other actors
    friendly: Tensor  # (m,) weights of the other actors' motions


def _named(argument: str, chosen: tuple[str, ...] | None, names: tuple[str, ...], device: torch.device) -> Tensor:
    """1 for each of `names` that was chosen (None: all), else 0."""
    wanted = names if chosen is None else tuple(one_of(argument, name, names) for name in chosen)
    return torch.tensor([float(name in wanted) for name in names], dtype=torch.float64, device=device)


def _with_partner(first: Tensor, others: Tensor) -> Tensor:
    """Leave out relations where no second actor may be: another one than actor 0, in the partner's motion."""
    first = first.clone()
    for relation, motion in PARTNER.items():
        partners = others[MOTIONS.index(motion)]  # (p, a)
        first[MOTIONS.index(relation)] *= partners.sum(dim=1, keepdim=True) - partners > 0
    return first


def _cast_size(config: WorldConfig) -> int:
    count = len(ACTORS) if config.actors is None else config.actors
    if not 1 <= count <= len(ACTORS):
        raise InvalidArgument("actors", count, f"be between 1 and {len(ACTORS)}", min(max(count, 1), len(ACTORS)))
    return count


@functools.lru_cache(maxsize=8)
def _menu(config: WorldConfig, split: str, device: torch.device) -> _Menu:
    """Tables of what may be drawn. Raises InvalidArgument for unknown names and for an empty world."""
    one_of("split", split, SPLITS)
    cast = _cast_size(config)
    suits = torch.ones(len(MOTIONS), len(PLACES), dtype=torch.float64, device=device)
    suits[MOTIONS.index("swim")] = _named("places", SWIM_PLACES, PLACES, device)
    places = _named("places", config.places, PLACES, device)
    shown = (suits * places)[:, :, None] * (torch.arange(len(ACTORS), device=device) < cast).double()
    held = heldout_table(device).permute(1, 2, 0).double()
    others = shown * (1 - held)
    first = _with_partner(shown * held if split == "heldout" else others, others)
    by_event = first * eligible_events(device).permute(2, 1, 0)[:, :, None]  # (e, m, p, a)
    possible = _named("motions", config.motions, MOTIONS, device) * (by_event.sum(dim=(2, 3)) > 0)
    if not possible[0].sum() > 0:
        raise InvalidArgument("places, motions, actors", split, "leave at least one combination in this split")
    relation = _named("motions", RELATIONS, MOTIONS, device)
    alone, together = possible * (1 - relation), possible * (1 + (RELATION_WEIGHT - 1) * relation)
    friendly = _named("motions", config.motions, MOTIONS, device) * (1 - relation)
    friendly[MOTIONS.index("stand")] += friendly.sum() == 0
    weights = torch.tensor([0.0, *(WEIGHTS[name] for name in EVENTS[1:])], device=device).double()
    return _Menu(
        cast=cast, first=torch.cat([first.new_zeros(1), by_event.flatten().cumsum(dim=0)]),
        later=shown if split == "heldout" else others, others=others,
        happens=weights * (possible.sum(dim=1) > 0), alone=alone, together=together, friendly=friendly,
    )  # fmt: skip


def _choose(weights: Tensor, draw: Tensor) -> Tensor:
    """Return (b,) indices: row i of weights (b or 1, n) sampled at draw[i] in [0, 1). Rows of zeros give n - 1."""
    total = weights.double().expand(len(draw), -1).cumsum(dim=1).contiguous()
    target = draw.double()[:, None] * total[:, -1:]
    return torch.searchsorted(total, target, right=True)[:, 0].clamp(max=weights.shape[1] - 1)


def _choose_in_row(total: Tensor, width: int, row: Tensor, draw: Tensor) -> Tensor:
    """As `_choose` from row `row[i]` of a table with `width` columns, given the running sum over the whole table."""
    low, high = total[row * width], total[(row + 1) * width]
    return torch.searchsorted(total, low + draw.double() * (high - low), right=True) - 1 - row * width


def _pick(draw: Tensor, count: int) -> Tensor:
    """A whole number below `count`, uniformly."""
    return (draw * count).long().clamp(max=count - 1)


def _unless(draw: Tensor, probability: float, value: Tensor, otherwise: float) -> Tensor:
    """`value` with a probability, else a constant."""
    return torch.where(draw < probability, value, torch.full_like(value, otherwise))


def _actor_counts(config: WorldConfig, menu: _Menu, event: Tensor, draw: Tensor) -> Tensor:
    """(b,) number of actors of each scene: at least two where only relations are left to show."""
    count = 1 + (draw < config.two_actors + config.three_actors).long() + (draw < config.three_actors).long()
    least = 1 + (menu.alone.sum(dim=1)[event] == 0).long()
    return torch.maximum(count, least).clamp(max=min(menu.cast, MAX_ACTORS))


def _cast(config: WorldConfig, menu: _Menu, event: Tensor, draws: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Choose (b, k) actors, (b, k) motions and the (b,) first place. event: (b,) to come first; draws: (b, 7)."""
    count = _actor_counts(config, menu, event, draws[:, 0])
    motion = _choose(torch.where((count > 1)[:, None], menu.together[event], menu.alone[event]), draws[:, 1])
    combinations = len(PLACES) * len(ACTORS)
    pair = _choose_in_row(menu.first, combinations, event * len(MOTIONS) + motion, draws[:, 2])
    place, actor = pair // len(ACTORS), pair % len(ACTORS)
    partner = torch.tensor([MOTIONS.index(PARTNER[n]) if n in PARTNER else NO_ACTOR for n in MOTIONS]).to(place)
    actors, motions = [actor], [motion]
    taken = torch.nn.functional.one_hot(actor, len(ACTORS))
    for slot in range(1, MAX_ACTORS):
        usable = menu.friendly * (menu.others[:, place].sum(dim=2).T > 0)
        own = _choose(usable, draws[:, 1 + 2 * slot])
        if slot == 1:
            own = torch.where(partner[motion] != NO_ACTOR, partner[motion], own)
        weights = menu.others[own, place] * (1 - taken)
        chosen = _choose(weights, draws[:, 2 + 2 * slot])
        there = (count > slot) & (weights.sum(dim=1) > 0)
        taken = taken + torch.nn.functional.one_hot(chosen, len(ACTORS))
        actors.append(torch.where(there, chosen, NO_ACTOR))
        motions.append(torch.where(there, own, MOTIONS.index("stand")))
    return torch.stack(actors, dim=1), torch.stack(motions, dim=1), place


def _manners(actor: Tensor, motion: Tensor, draws: Tensor) -> dict[str, Tensor]:
    """Direction, speed, scale, colour and phase of every actor; those of a pair agree. draws: (5, b, k)."""
    direction = 2 * _pick(draws[0], 2) - 1
    unhurried = torch.tensor([MOTIONS.index(name) for name in UNHURRIED], device=motion.device)
    speed = torch.where(torch.isin(motion, unhurried), SPEEDS.index("normal"), _pick(draws[1], len(SPEEDS)))
    passing = motion == MOTIONS.index("pass_behind")
    speed = torch.where(passing, speed.clamp(min=SPEEDS.index("normal")), speed)  # a slow one would stay hidden
    follows = {name: (motion[:, 0] == MOTIONS.index(name)) for name in ("chase", "ride", "push", "collide")}
    along = follows["chase"] | follows["ride"] | follows["push"]
    second = torch.where(along, direction[:, 0], direction[:, 1])
    direction[:, 1] = torch.where(follows["collide"], -direction[:, 0], second)
    speed[:, 1] = torch.where(along | follows["collide"], speed[:, 0], speed[:, 1])
    color = torch.where(takes_color(actor), _pick(draws[3], len(COLORS)), NO_ACTOR)
    return {
        "direction": direction, "speed": speed, "scale": 0.85 + 0.3 * draws[2], "color": color, "phase": draws[4],
    }  # fmt: skip


def _first_event(config: WorldConfig, menu: _Menu, draws: Tensor) -> Tensor:
    """(b,) int64: what happens first, or none. draws: (b, 2)."""
    event = _choose(menu.happens[None], draws[:, 1])
    there = (draws[:, 0] < config.event) & (menu.happens.sum() > 0)
    return torch.where(there, event, EVENTS.index("none"))


def _events(first: Tensor, actor: Tensor, motion: Tensor, draws: Tensor) -> dict[str, Tensor]:
    """Times of the first event and perhaps a second one that can happen to actor 0. draws: (b, 4)."""
    eligible = eligible_events(actor.device)[actor[:, 0], motion[:, 0]].double()
    eligible[:, EVENTS.index("none")] = 0
    left = eligible.scatter(1, first[:, None], 0.0)
    happens = first != EVENTS.index("none")
    again = happens & (draws[:, 0] < SECOND_EVENT) & (left.sum(dim=1) > 0)
    begin = 0.4 + 0.6 * draws[:, 2]
    time = torch.stack([begin, begin + 0.4 + 0.2 * draws[:, 3]], dim=1)
    there = torch.stack([happens, again], dim=1)
    event = torch.stack([first, _choose(left, draws[:, 1])], dim=1)
    return {
        "event": torch.where(there, event, EVENTS.index("none")),
        "event_time": torch.where(there, time, torch.inf),
    }  # fmt: skip


def _view(config: WorldConfig, menu: _Menu, cast: tuple[Tensor, Tensor, Tensor], draws: Tensor) -> dict[str, Tensor]:
    """Cameras, cuts and the places of later shots. draws: (b, 12)."""
    actor, motion, place = cast
    moving = 1 + _pick(draws[:, :3], len(CAMERAS) - 1)
    cameras = _unless(draws[:, 3:6], config.camera, moving, CAMERAS.index("still"))
    first = 0.7 + 0.5 * draws[:, 6]
    cut_time = torch.stack([first, first + 0.5 + 0.2 * draws[:, 7]], dim=1)
    cuts = draws[:, 8] < config.cut
    there = torch.stack([cuts, cuts & (draws[:, 9] < SECOND_CUT)], dim=1)
    fits = menu.later[motion[:, 0], :, actor[:, 0]]
    for slot in range(1, MAX_ACTORS):
        empty = (actor[:, slot] == NO_ACTOR)[:, None]
        fits = fits * torch.where(empty, 1.0, menu.others[motion[:, slot], :, actor[:, slot].clamp(min=0)])
    places = [place]
    for shot in range(2):
        elsewhere = fits.scatter(1, places[-1][:, None], 0.0)
        moved = there[:, shot] & (elsewhere.sum(dim=1) > 0)
        places.append(torch.where(moved, _choose(elsewhere, draws[:, 10 + shot]), places[-1]))
    cameras[:, 1] = torch.where(there[:, 0], cameras[:, 1], cameras[:, 0])
    cameras[:, 2] = torch.where(there[:, 1], cameras[:, 2], cameras[:, 1])
    return {
        "camera": cameras[:, 0], "cut_time": torch.where(there, cut_time, torch.inf),
        "shot_place": torch.stack(places, dim=1), "shot_camera": cameras,
    }  # fmt: skip


def sample_scenes(config: WorldConfig, indices: Tensor, split: str = "train", aspect: float = 1.0) -> Scenes:
    """Return the scenes of a world with these numbers.

    indices: (b,) int64. aspect: width over height of the frame that the actors shall stay in. Scene i depends on
    (config, i, split) alone, its actors' starts on the aspect too. Split "train" and "seen" never show a held-out
    combination (split.py), "heldout" gives one to actor 0 in the first shot. Raises InvalidArgument for names that
    are not in the vocabulary and for a world that leaves nothing to show.
    """
    menu = _menu(config, split, indices.device)

    def draw(purpose: str, lanes: int) -> Tensor:
        return hashed_uniform(config.seed, f"{split}/{purpose}", indices, lanes)

    event = _first_event(config, menu, draw("event", 2))
    cast = _cast(config, menu, event, draw("cast", 7))
    actor, motion, place = cast
    looks = draw("looks", 5)
    weather = _unless(looks[:, 0], config.weather, 1 + _pick(looks[:, 1], len(WEATHERS) - 1), 0)
    style = _unless(looks[:, 2], config.style, 1 + _pick(looks[:, 3], len(STYLES) - 1), 0)
    manners = draw("manners", 5 * MAX_ACTORS).reshape(len(indices), 5, MAX_ACTORS).transpose(0, 1)
    return arrange(
        Scenes(
            index=indices, place=place, weather=weather, style=style, camera_speed=0.6 + 0.8 * looks[:, 4],
            variation=draw("variation", 8), actor=actor, motion=motion,
            start=torch.zeros(*actor.shape, 3, device=indices.device),
            **_manners(actor, motion, manners),
            **_events(event, actor, motion, draw("events", 4)),
            **_view(config, menu, cast, draw("view", 12)),
        ),
        aspect,
    )  # fmt: skip
