"""Pictures against what the tracks say."""

from dataclasses import replace

import pytest
import torch

from skyloom.errors import InvalidArgument
from skyloom.world import places, sprites, styles, weather
from skyloom.world.actors import ACTORS, actor_index
from skyloom.world.camera import project
from skyloom.world.render import draw_actors, quads_of, render
from skyloom.world.scene import NO_ACTOR, Scenes, Tracks
from skyloom.world.vocabulary import EVENTS, PLACES, STYLES, WEATHERS
from skyloom.world.windows import windows_around

FRAMES = 3
BALL, BOX = actor_index("ball"), actor_index("box")
VARIATION = (0.31, 0.17, 0.73, 0.52, 0.2, 0.5, 0.4, 0.6)


def make(actors, positions, place="meadow", count=1, frames=FRAMES, **changes):
    """A scene of standing actors, `count` times, and its tracks. changes: fields of either; `path`: the camera's."""
    slots = 3
    filled = [*actors, *[NO_ACTOR] * (slots - len(actors))]
    ones = torch.ones(count, slots, dtype=torch.int64)
    index, zeros = torch.arange(count), torch.zeros(count, dtype=torch.int64)
    never = torch.full((count, 2), float("inf"))
    shots = torch.full((count, 3), PLACES.index(place))
    scenes = Scenes(
        index=index, place=shots[:, 0], weather=zeros, style=zeros, camera=zeros, camera_speed=torch.ones(count),
        variation=torch.tensor(VARIATION).repeat(count, 1), actor=torch.tensor(filled).repeat(count, 1),
        motion=ones * 0, direction=ones, speed=ones, start=torch.zeros(count, slots, 3), scale=ones.float(),
        color=ones * NO_ACTOR, phase=ones * 0.0, event=torch.zeros(count, 2, dtype=torch.int64), event_time=never,
        cut_time=never, shot_place=shots, shot_camera=torch.zeros(count, 3, dtype=torch.int64),
    )  # fmt: skip
    shape = (count, frames, slots)
    position = torch.zeros(*shape, 3)
    for slot, where in enumerate(positions):
        position[:, :, slot] = torch.tensor(where)
    tracks = Tracks(
        fps=8.0, position=position, velocity=position * 0, angle=torch.zeros(shape), facing=torch.ones(shape),
        size=torch.ones(shape), stretch=torch.ones(shape),
        opacity=(torch.tensor(filled) != NO_ACTOR).float().expand(shape).clone(),
        mark=torch.zeros(count, frames, len(EVENTS) - 1),
        camera=torch.tensor([0.0, 0.0, 1.0]).repeat(count, frames, 1),
        shot=torch.zeros(count, frames, dtype=torch.int64),
    )  # fmt: skip
    names = set(vars(scenes))
    own = {key: value for key, value in changes.items() if key in names}
    moved = {{"path": "camera"}.get(key, key): value for key, value in changes.items() if key not in names}
    return replace(scenes, **own), replace(tracks, **moved)


def pictures(scenes, tracks, height=64, width=64):
    """Frames in [0, 1]: (b, 3, f, h, w)."""
    return (render(scenes, tracks, height, width) + 1) / 2


def centroid(weight):
    """Mean column and line, in pixels, of a map (h, w)."""
    lines, columns = torch.meshgrid(*(torch.arange(n) + 0.5 for n in weight.shape), indexing="ij")
    return float((weight * columns).sum() / weight.sum()), float((weight * lines).sum() / weight.sum())


@pytest.mark.parametrize("place", PLACES)
def test_a_still_scene_is_one_picture(place):
    video = pictures(*make([BALL], [(0.3, 0.0, 0.5)], place))
    assert torch.equal(video[:, :, 0], video[:, :, 1]) and torch.equal(video[:, :, 0], video[:, :, 2])
    assert 0.05 < float(video.mean()) < 0.95 and float(video.std()) > 0.04


def test_places_differ_from_each_other():
    looks = torch.stack([pictures(*make([], [], name, frames=1))[0, :, 0] for name in PLACES])
    coarse = torch.nn.functional.avg_pool2d(looks, 8).flatten(1)
    apart = torch.cdist(coarse, coarse) / coarse.shape[1] ** 0.5
    assert float((apart + torch.eye(len(PLACES)) * 9).min()) > 0.05


@pytest.mark.parametrize(
    "where,camera",
    [((0.0, 0.6, 0.0), (0, 0, 1)), ((0.9, 1.4, 2.0), (0, 0, 1)), ((-0.5, 0.8, -1.0), (0.3, -0.2, 1.4))],
)
def test_an_actor_stands_where_project_says(where, camera):
    height, width = 64, 96
    view = torch.tensor(camera, dtype=torch.float32).expand(1, FRAMES, 3)
    scenes, tracks = make([BALL], [where], path=view)
    frames = torch.zeros(FRAMES, 3, height, width)
    frame_view = places.View(height, width, torch.device("cpu"))
    draw_actors(frames, scenes, tracks, scenes.shot_place[:, :1].expand(1, FRAMES), frame_view)
    x, y, scale = project(torch.tensor(where) + torch.tensor([0.0, 0.5, 0.0]), view[0, 0])
    column, line = centroid((frames[0].sum(0) > 0.9).float())
    assert column == pytest.approx(width / 2 + float(x) * height / 4, abs=1)
    assert line == pytest.approx(height / 2 - float(y) * height / 4, abs=1)
    area = float((frames[0].sum(0) > 0.9).sum())
    assert area == pytest.approx(torch.pi / 4 * (float(scale) * height / 4) ** 2, rel=0.12)


def test_the_nearer_actor_hides_the_other_whatever_its_slot():
    red, blue = torch.tensor([[0, 4, NO_ACTOR]]), torch.tensor([[4, 0, NO_ACTOR]])
    for color, near in ((red, 0.0), (blue, 0.0), (red, 1.0), (blue, 1.0)):
        spots = [(0.0, 0.3, 1.0 - near), (0.0, 0.3, near)]
        middle = pictures(*make([BALL, BALL], spots, color=color))[0, :, 0, 38, 32]
        front = int(color[0, 0] if near else color[0, 1])
        assert (middle[0] > middle[2]) == (front == 0)


@pytest.mark.parametrize("place", ["meadow", "sea", "neon street"])
def test_a_frame_is_the_mean_of_a_larger_one(place):
    changes = {"angle": torch.full((1, FRAMES, 3), 0.4), "stretch": torch.full((1, FRAMES, 3), 0.9)}
    scenes, tracks = make([actor_index("dog"), BOX], [(-0.6, 0.1, 0.0), (0.7, 0.0, 1.0)], place, **changes)
    large = torch.nn.functional.avg_pool2d(pictures(scenes, tracks, 128, 128)[0, :, 0], 2)
    error = (pictures(scenes, tracks)[0, :, 0] - large).square().mean()
    assert -10 * float(torch.log10(error)) > 26


def test_a_mirrored_scene_is_a_mirrored_picture():
    dog = actor_index("dog")
    angle = torch.full((1, FRAMES, 3), 0.5)
    scenes, tracks = make([dog], [(0.6, 0.2, 0.0)], angle=angle)
    mirrored = replace(
        tracks, angle=-angle, facing=-tracks.facing, position=tracks.position * torch.tensor([-1.0, 1, 1])
    )
    view = places.View(64, 64, torch.device("cpu"))
    where = scenes.shot_place[:, :1].expand(1, FRAMES)
    left, right = torch.zeros(2, FRAMES, 3, 64, 64)
    draw_actors(left, scenes, tracks, where, view)
    draw_actors(right, scenes, mirrored, where, view)
    assert torch.allclose(left, right.flip(-1), atol=1e-4) and not torch.allclose(left, right, atol=0.1)


def test_actors_look_where_they_face():
    scenes, tracks = make([actor_index("rocket"), actor_index("dog")], [(0, 0, 0)] * 2)
    cells = torch.zeros_like(scenes.actor)
    view = places.View(64, 64, torch.device("cpu"))
    quads = quads_of(scenes, tracks, scenes.shot_place[:, :1].expand(1, FRAMES), cells, view)
    assert [ACTORS[int(i)].faces for i in scenes.actor[0, :2]] == ["right", "left"]
    assert quads.flip.view(FRAMES, 3)[0, :2].tolist() == [1.0, -1.0]


@pytest.mark.parametrize("event", ["bitten", "broken", "painted"])
def test_a_mark_changes_the_sprite_and_nothing_else(event):
    scenes, tracks = make([actor_index("cookie")], [(0.0, 0.3, 0.0)])
    mark = tracks.mark.clone()
    mark[:, 1:, EVENTS.index(event) - 1] = 1
    empty = pictures(scenes, replace(tracks, opacity=tracks.opacity * 0))[0]
    video = pictures(scenes, replace(tracks, mark=mark))[0]
    changed = (video[:, 1] - video[:, 0]).abs().amax(0) > 1e-4
    inside = (video[:, 0] - empty[:, 0]).abs().amax(0) > 1e-4
    assert torch.equal(video[:, 0], pictures(scenes, tracks)[0, :, 0])
    assert int(changed.sum()) > 20 and not bool((changed & ~inside).any())
    assert 0.1 < float(changed.sum() / inside[:45].sum()) < 0.8


def test_a_bite_shows_what_is_behind():
    scenes, tracks = make([BOX], [(0.0, 1.2, 0.0)])
    mark = tracks.mark.clone()
    mark[..., EVENTS.index("bitten") - 1] = 1
    behind = pictures(scenes, replace(tracks, opacity=tracks.opacity * 0))[0, :, 0]
    bitten = pictures(scenes, replace(tracks, mark=mark))[0, :, 0]
    gone = (bitten - behind).abs().amax(0) < 1e-4
    assert bool(gone[17, 38]) and not bool(gone[28, 28])


def test_footprints_stay_behind_a_walker():
    scenes, tracks = make([actor_index("dog")], [(0, 0, 0)], "snowy forest", frames=9)
    position = tracks.position.clone()
    position[0, :, 0, 0] = torch.linspace(-1.8, 1.4, 9)
    mark = tracks.mark.clone()
    mark[..., EVENTS.index("footprints") - 1] = 1
    moving = replace(tracks, position=position)
    plain, printed = pictures(scenes, moving)[0], pictures(scenes, replace(moving, mark=mark))[0]
    dark = (plain - printed).mean(0)
    assert float(dark[0].abs().max()) < 1e-4
    column, line = centroid(dark[-1].clamp(min=0))
    assert column < 32 and line == pytest.approx(51.2, abs=2)
    assert bool((dark[1:].sum((1, 2)).diff() > -1e-3).all())


def test_a_scene_looks_the_same_in_any_batch_and_twice():
    weathers, kinds = torch.arange(6) % len(WEATHERS), torch.arange(6) % len(STYLES)
    camera = torch.stack([torch.linspace(-0.5, 0.5, FRAMES), torch.zeros(FRAMES), torch.ones(FRAMES)], -1)
    scenes, tracks = make(
        [BALL], [(0.0, 0.0, 0.0)], count=6, weather=weathers, style=kinds, path=camera[None].repeat(6, 1, 1)
    )
    together = render(scenes, tracks, 32, 48)
    assert torch.equal(together, render(scenes, tracks, 32, 48))
    for row in range(6):
        rows = slice(row, row + 1)
        fields = {name: v[rows] for name, v in vars(tracks).items() if name != "fps"}
        alone = render(scenes.select(rows), Tracks(fps=8.0, **fields), 32, 48)
        assert torch.allclose(alone, together[rows], atol=1e-5)


def test_panning_moves_the_ground_with_the_actors_and_the_sky_hardly():
    camera = torch.tensor([[0.0, 0.0, 1.0], [0.5, 0.0, 1.0], [0.5, 0.0, 1.0]])[None]
    still = replace(make([], [], "kitchen")[1], camera=camera)
    video = pictures(make([], [], "kitchen")[0], still)[0]
    assert torch.allclose(video[:, 0, 52:, 8:], video[:, 1, 52:, :-8], atol=0.02)
    assert torch.equal(video[:, 1], video[:, 2])
    view, rest = places.View(64, 64, torch.device("cpu")), camera[0, :1]
    for layer, factor in enumerate(places.PARALLAX):
        before, after = (
            places.layer_coordinates(layer, view, at, torch.ones(1, 8))[0] for at in (rest, camera[0, 1:2])
        )
        assert torch.allclose((after - before)[:, 52:], torch.tensor(0.5 * factor), atol=1e-4)


def test_a_cut_changes_the_place():
    scenes, tracks = make([], [], "meadow")
    scenes = replace(scenes, shot_place=torch.tensor([[PLACES.index("meadow"), PLACES.index("sea"), 0]]))
    video = pictures(scenes, replace(tracks, shot=torch.tensor([[0, 0, 1]])))[0]
    assert torch.equal(video[:, 0], pictures(*make([], [], "meadow"))[0, :, 0])
    assert torch.equal(video[:, 2], pictures(*make([], [], "sea"))[0, :, 0])


def test_wet_ground_mirrors_and_dry_ground_does_not():
    for place, mirrors in (("neon street", True), ("city street", False)):
        scenes, tracks = make([BALL], [(0.0, 0.0, 0.0)], place, color=torch.tensor([[2, NO_ACTOR, NO_ACTOR]]))
        bare = pictures(scenes, replace(tracks, opacity=tracks.opacity * 0))[0, :, 0]
        brighter = (pictures(scenes, tracks)[0, :, 0] - bare).clamp(min=0).sum(0)
        assert (float(brighter[54:].max()) > 0.1) == mirrors


@pytest.mark.parametrize("name", ["rain", "snow", "petals"])
def test_falling_things_fall_and_clear_air_is_still(name):
    scenes, tracks = make([], [], weather=torch.tensor([WEATHERS.index(name)]), fps=64.0)
    video = pictures(scenes, tracks)[0]
    first, second = ((video[:, i] - video[:, 2]).abs().sum(0) for i in (0, 1))
    assert float(first.max()) > 0.05 and float(second.max()) > 0.05
    fall = weather.FALLS[name][0]
    y, x = torch.linspace(-0.5, 2.5, 60)[None], torch.linspace(-2, 2, 40)[None]
    one = torch.tensor([VARIATION])
    before = weather.falling(replace(fall, sway=0.0, turning=0.0), x, y, torch.zeros(1), one, 0)
    step = torch.tensor([0.01])
    lower = y - fall.speed[1] * step
    after = weather.falling(replace(fall, sway=0.0, turning=0.0), x + fall.speed[0] * step, lower, step, one, 0)
    assert torch.allclose(before, after, atol=1e-3) and float(before.max()) > 0.2


def test_night_is_darker_than_noon_and_clay_holds_frames():
    noon, night = (
        float(pictures(*make([BALL], [(0, 0, 0)], weather=torch.tensor([WEATHERS.index(name)]))).mean())
        for name in ("clear", "night")
    )
    assert night < 0.6 * noon
    position = torch.zeros(1, FRAMES, 3, 3)
    position[0, :, 0, 0] = torch.tensor([0.0, 0.5, 1.0])
    scenes, tracks = make([BALL], [(0, 0, 0)], style=torch.tensor([STYLES.index("claymation")]), position=position)
    video = pictures(scenes, tracks)[0]
    assert torch.equal(video[:, 0], video[:, 1]) and not torch.equal(video[:, 1], video[:, 2])


def test_styles_do_what_they_are_called():
    frames = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    blocks = styles.pixel_art(frames).unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
    assert float((blocks.amax(-1) - blocks.amin(-1)).abs().max()) == 0
    film = styles.old_film(frames, torch.full((2, 8), 0.9), torch.arange(2))
    assert torch.allclose(film[:, 0], film[:, 2])
    white = torch.ones(1, 3, 32, 32)
    assert float(styles.charcoal(white).min()) > 0.9
    assert torch.allclose(
        styles.steps_of(torch.tensor([0.0, 0.49, 0.51, 1.0]), 3, 0.01), torch.tensor([0, 0.5, 0.5, 1])
    )


def test_windows_hold_what_they_must_and_lay_over_like_whole_frames():
    frames = torch.rand(5, 3, 40, 56)
    x, y, reach = (
        torch.tensor([5.0, 28, 50, 20, 28]),
        torch.tensor([3.0, 20, 39, 20, 20]),
        torch.tensor([4.0, 6, 9, 14, 90]),
    )
    seen = []
    for window in windows_around(frames, torch.arange(5), x, y, reach, reach):
        seen += window.rows.tolist()
        inside_x = (window.columns() - x[window.picked, None]).abs() <= reach[window.picked, None] - 0.5
        want = ((torch.arange(56) + 0.5 - x[window.picked, None]).abs() <= reach[window.picked, None] - 0.5).sum(1)
        assert torch.equal(inside_x.sum(1), want)
        assert torch.equal(
            frames.view(-1)[window.indices(frames)][0, 1, 0, 0],
            frames[window.rows[0], 1, window.top[0], window.left[0]],
        )
    assert sorted(seen) == list(range(5))


def test_the_right_size_of_sprite_is_read():
    sheet, cell = sprites.gather_sheet(torch.tensor([[BALL, BOX], [BOX, BALL]]))
    assert sheet.shape == (1, 4, 256, 256)
    assert cell.tolist() in ([[0, 1], [1, 0]], [[1, 0], [0, 1]])
    whole = sprites.all_cells(torch.device("cpu"))[BALL, 3].float()
    areas = [float(whole[1:, o : o + 96 // 2**k].sum()) * 4**k for k, o in enumerate(sprites.OFFSETS)]
    assert areas[1] == pytest.approx(areas[0], rel=0.01) and areas[2] == pytest.approx(areas[0], rel=0.01)


def test_sizes_below_eight_are_refused():
    with pytest.raises(InvalidArgument, match="at least 8"):
        render(*make([BALL], [(0, 0, 0)]), 4, 64)
