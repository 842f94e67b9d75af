"""The judge: its geometry, its targets, its files, and what it sees in renders."""

from dataclasses import replace

import pytest
import torch

from skyloom.config import ClipConfig, WorldConfig
from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.evaluation.oracle import NAME, SHIPPED, load_oracle
from skyloom.evaluation.oracle_card import detection
from skyloom.evaluation.oracle_clips import render_scenes, vocabulary_of
from skyloom.evaluation.scoring import asked, score
from skyloom.models.sight import CROP, cell_centres, crop_squares, seen_to_the_left
from skyloom.models.watcher import Watcher, resized, save_watcher
from skyloom.models.watcher_losses import centre_loss, eye_losses, heat_target
from skyloom.models.watcher_truth import UNKNOWN, clips_with_truth, in_slots, left_to_right, shuffle_time, truth_of
from skyloom.presets import preset
from skyloom.seeds import generator_for
from skyloom.world.facts import describe_all
from skyloom.world.physics import simulate
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import NO_ACTOR
from skyloom.world.vocabulary import STYLES

PLAIN = WorldConfig(actors=64, weather=0, camera=0, style=0, event=0, cut=0, two_actors=0, three_actors=0)
SMALL = ClipConfig(num_frames=5, height=64, width=64)


def two_actor_truth(count=24):
    world = replace(PLAIN, two_actors=1.0, motions=("walk", "stand", "jump"))
    return clips_with_truth(world, SMALL, vocabulary_of(world), torch.arange(count), "train")


def test_crop_of_a_known_square():
    pixels = torch.zeros(1, 3, 64, 64)
    pixels[:, 0, 16:32, 32:48] = 1.0  # a square of 16 pixels whose centre is (40, 24)
    centre, side = torch.tensor([[[40 / 64, 24 / 64]]]), torch.tensor([[0.25]]).log()
    crop = crop_squares(pixels, centre, side)
    assert crop.shape == (1, 3, CROP, CROP)
    assert torch.allclose(crop[0, 0, 1:-1, 1:-1], torch.ones(CROP - 2, CROP - 2), atol=1e-4)
    wider = crop_squares(pixels, centre, side + torch.tensor(2.0).log())
    assert wider[0, 0].mean().item() == pytest.approx(0.25, abs=0.01)


def test_centre_loss_is_least_where_the_mean_is_the_centre():
    centre, seen = torch.tensor([[0.43, 0.61]]), torch.ones(1, dtype=torch.bool)
    logits = torch.zeros(1, 8, 8, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.3)
    for _ in range(150):
        optimizer.zero_grad()
        centre_loss(logits, centre, seen).backward()
        optimizer.step()
    weights = logits.flatten(1).softmax(1).view(1, 8, 8)
    found = torch.einsum("b h w, c h w -> b c", weights, cell_centres(8, 8, logits.device))
    assert torch.allclose(found, centre, atol=0.01)


def test_columns_to_the_left_are_counted():
    heat = torch.full((1, 4, 8), -20.0)
    heat[0, 1, 2] = heat[0, 3, 5] = 20.0
    assert torch.allclose(seen_to_the_left(heat)[0, 0], torch.tensor([0, 0, 0, 1, 1, 1, 2, 2.0]), atol=1e-4)


def test_truth_lies_where_the_actor_is_drawn():
    scenes = sample_scenes(replace(PLAIN, motions=("spin", "walk", "fly", "grow")), torch.arange(12), "train")
    truth = truth_of(scenes, simulate(scenes, 5, 8.0), vocabulary_of(PLAIN))
    nobody = replace(scenes, actor=torch.full_like(scenes.actor, NO_ACTOR))
    drawn = (render_scenes(scenes, SMALL) - render_scenes(nobody, SMALL)).abs().amax(1) > 0.15
    for clip, frame in truth.seen[..., 0].nonzero().tolist():
        rows, columns = drawn[clip, frame].nonzero(as_tuple=True)
        if not len(rows) or columns.min() == 0 or columns.max() == 63 or rows.min() == 0:
            continue  # cut off by the frame
        x, y = (truth.centre[clip, frame, 0] * 64).tolist()
        assert abs((columns.min() + columns.max() + 1) / 2 - x) < 4
        assert rows.min() < y < rows.max()
        side = truth.side[clip, frame, 0].exp().item() * 64
        assert columns.max() + 1 - columns.min() < 1.5 * side + 3


def test_truth_holds_frames_where_the_picture_does():
    world = replace(PLAIN, style=1.0, motions=("run",))
    scenes = sample_scenes(world, torch.arange(30), "train")
    scenes = scenes.select(scenes.style == STYLES.index("claymation"))
    assert len(scenes) > 2
    truth = truth_of(scenes, simulate(scenes, 5, 8.0), vocabulary_of(world))
    pixels = render_scenes(scenes, SMALL)
    for first, second, held in ((0, 1, True), (1, 2, False), (2, 3, True)):
        assert torch.equal(truth.centre[:, first, 0], truth.centre[:, second, 0]) is held
        assert torch.equal(pixels[:, :, first], pixels[:, :, second]) is held


def test_slots_run_from_left_to_right():
    _, truth = two_actor_truth()
    order = left_to_right(truth, 2)
    x = in_slots(truth.centre, order, True)[:, 2, :, 0]
    both = in_slots(truth.seen, order, True)[:, 2].all(1)
    assert both.sum() > 10
    assert (x[both, 0] <= x[both, 1]).all()
    assert (in_slots(truth.actor, order, False)[both] != UNKNOWN).all()


def test_one_actor_takes_the_first_slot():
    scenes = sample_scenes(PLAIN, torch.arange(8), "train")
    truth = truth_of(scenes, simulate(scenes, 5, 8.0), vocabulary_of(PLAIN))
    actor = in_slots(truth.actor, left_to_right(truth, 2), False)
    assert torch.equal(actor[:, 0], scenes.actor[:, 0])
    assert (actor[:, 1] == UNKNOWN).all()


def test_shuffling_moves_pixels_and_truth_together():
    pixels, truth = two_actor_truth(6)
    pixels = pixels + torch.arange(5).view(1, 1, 5, 1, 1) * 10  # mark the frames
    moved, after = shuffle_time(pixels, truth, 1.0, generator_for(0, "test"))
    assert (after.order == 1).all()
    assert (after.motion[truth.actor != UNKNOWN] == UNKNOWN).all()
    frames = (moved[:, 0, :, 0, 0] / 10).round().long()
    rows = torch.arange(6)[:, None]
    assert torch.equal(after.centre, truth.centre[rows, frames])
    same, unchanged = shuffle_time(pixels, truth, 0.0, generator_for(0, "test"))
    assert torch.equal(same, pixels)
    assert torch.equal(unchanged.motion, truth.motion)


def test_heat_peaks_at_the_centres():
    _, truth = two_actor_truth(4)
    heat = heat_target(truth, 16, 16)
    clip, frame, actor = truth.seen.nonzero()[0].tolist()
    x, y = (truth.centre[clip, frame, actor] * 16).long().clamp(max=15).tolist()
    assert heat[clip, frame, y, x] > 0.6
    assert heat.amax() <= 1


def test_a_saved_oracle_reads_the_same(tmp_path):
    networks = Watcher(vocabulary_of(PLAIN)).eval()
    save_watcher(networks, tmp_path, NAME)
    oracle = load_oracle(tmp_path)
    assert oracle.config == networks.config
    networks.load_state_dict({name: value.bfloat16().float() for name, value in networks.state_dict().items()})
    pixels = torch.rand((2, 3, 17, 64, 64), generator=generator_for(0, "test")) * 2 - 1
    with torch.inference_mode():
        expected, _ = networks(pixels)
    found, _ = oracle.logits(pixels)
    for name, values in expected.items():
        assert torch.allclose(values, found[name], atol=0.02), name
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"lacks config.json"):
        load_oracle(tmp_path)


def test_any_size_is_brought_to_the_oracles():
    config = vocabulary_of(PLAIN)
    pixels = torch.rand(1, 3, 33, 128, 128)
    assert torch.equal(resized(pixels[:, :, ::2, ::2, ::2], config), pixels[:, :, ::2, ::2, ::2])
    assert torch.allclose(resized(pixels, config)[0, 0, 1, 0, 0], pixels[0, 0, 2, :2, :2].mean(), atol=1e-5)
    assert resized(torch.rand(1, 3, 1, 32, 32), config).shape == (1, 3, 17, 64, 64)
    with pytest.raises(InvalidArgument, match=r"pixels must have the shape"):
        resized(torch.rand(3, 17, 64, 64), config)


def test_the_eye_learns_a_few_frames_by_heart():
    pixels, truth = two_actor_truth(4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = Watcher(vocabulary_of(PLAIN))
    optimizer = torch.optim.AdamW(networks.parameters(), 3e-3)
    totals = []
    for step in range(12):
        losses = eye_losses(networks, pixels, truth, generator_for(0, "test", step))
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        totals.append(sum(value.item() for value in losses.values()))
    assert totals[-1] < 0.6 * totals[0]


@pytest.fixture(scope="module")
def shipped():
    return load_oracle(SHIPPED)


def test_the_shipped_oracle_reads_held_out_renders(shipped):
    row = preset("nano")
    scenes = sample_scenes(row.world, torch.arange(5000, 5040), "heldout")
    readings = shipped.read(render_scenes(scenes, row.clip))
    pairs = zip(readings, describe_all(scenes), strict=True)
    scores = [score(reading.as_dict(), asked(facts)) for reading, facts in pairs]
    for slot in ("count", "actor", "motion", "place"):
        assert sum(s[slot] for s in scores) / len(scores) >= 0.9, slot


def test_the_shipped_oracle_notices_planted_faults(shipped):
    row = preset("nano")
    for name, found in detection(shipped, row.world, row.clip, 12).items():
        assert found["detected"] >= 0.8, name
        assert found["false_alarms"] <= 0.2, name
