"""Plans: which canvases get one, and what it changes."""

from dataclasses import replace

import pytest
import torch

from pipeline_parts import ToyTextEncoder, randomised, toy_networks
from skyloom.errors import InvalidArgument
from skyloom.models.transformer import Transformer
from skyloom.pipelines.canvas import Canvas, PromptSpan
from skyloom.pipelines.checkpoint import load_checkpoint, save_checkpoint
from skyloom.pipelines.loading import from_checkpoint
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.planning import FASTEST, in_aspect, paced
from skyloom.pipelines.tasks import text_to_video
from skyloom.pipelines.velocity import pinned
from skyloom.presets import TINY
from skyloom.shapes import LatentSize


def networks():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        planner = randomised(Transformer(TINY.planner), 3)
    return *toy_networks(), planner


@pytest.fixture(scope="module")
def pipeline():
    autoencoder, transformer, planner = networks()
    return Pipeline(autoencoder, transformer, ToyTextEncoder(), TINY, "toy", planner=planner)


def drawn(canvas, left=0.0):
    frames = 1 + 4 * (canvas.size.latent_frames - 1)
    return replace(canvas, boxes=torch.tensor([left, 0.0, left + 0.5, 0.5]).expand(1, 1, frames, 4).clone())


def test_a_seed_is_a_plan_in_any_batch(pipeline):
    canvases = [text_to_video(pipeline.room(), prompt) for prompt in ("a cat", "two dogs", "a cat")]
    together = pipeline.planner.boxes(pipeline._encode, canvases, [1, 2, 3])
    assert together.shape == (3, 2, 5, 4)
    alone = pipeline.planner.boxes(pipeline._encode, canvases[1:2], [2])
    assert torch.allclose(together[1:2], alone, atol=1e-4, equal_nan=True)
    assert not torch.allclose(together[0], together[2], atol=1e-2, equal_nan=True)


def test_only_free_canvases_are_planned_for(pipeline):
    free, planner = text_to_video(pipeline.room(), "a cat"), pipeline.planner
    latents = torch.zeros(1, 8, *(free.size.latent_frames, free.size.latent_height, free.size.latent_width))
    assert planner.suits(free) and planner.suits(text_to_video(pipeline.room(num_frames=1), "a cat"))
    assert not planner.suits(replace(free, known=latents, mask=latents[:, :1]))
    assert not planner.suits(replace(free, source=latents))
    assert not planner.suits(replace(free, prompts=(PromptSpan("a", 0, 1), PromptSpan("b", 1))))
    assert not planner.suits(drawn(free)) and not planner.suits(text_to_video(pipeline.room(num_frames=9), "a cat"))


def test_a_plan_changes_the_video_unless_it_is_turned_off(pipeline):
    canvas, request = text_to_video(pipeline.room(), "a cat"), pipeline.request(num_inference_steps=2)
    bare = Pipeline(pipeline.autoencoder, pipeline.transformer, pipeline.text_encoder, TINY, "bare")
    with_plan = pipeline.sample([canvas], [5], request)
    without = pipeline.sample([canvas], [5], replace(request, plan=False))
    assert torch.equal(without, bare.sample([canvas], [5], request))
    # a box anywhere is seen: random networks may plan nobody, so one is drawn by hand
    left, right = (pipeline.sample([drawn(canvas, side)], [5], request) for side in (0.0, 0.5))
    assert not torch.allclose(left, right) and not torch.allclose(left, without)
    assert with_plan.isfinite().all()


def test_boxes_are_joined_and_cover_the_right_cells():
    size = LatentSize(2, 4, 4)
    free = Canvas(size, (PromptSpan("a"),))
    shared = pinned([free, drawn(free, 0.5)], slots=2)
    assert shared.boxes.shape == (2, 2, 2, 4, 4)
    assert not shared.boxes[0].any() and not shared.boxes[1, 1].any()
    expected = torch.zeros(4, 4)
    expected[2:, 2:] = 1
    assert torch.equal(shared.boxes[1, 0, 1], expected)
    assert pinned([free], slots=2).boxes is None and pinned([drawn(free)], slots=0).boxes is None


def test_plans_keep_centre_and_shape_in_another_aspect():
    wide = in_aspect(torch.tensor([0.2, 0.1, 0.6, 0.5]), 2.0)
    torch.testing.assert_close(wide, torch.tensor([0.3, 0.1, 0.5, 0.5]))


def test_a_checkpoint_keeps_its_planner(tmp_path):
    autoencoder, transformer, planner = networks()
    states = autoencoder.state_dict(), transformer.state_dict()
    plain = save_checkpoint(tmp_path / "plain", TINY, *states, "", "fp32")
    extras = {"planner": planner.state_dict()}
    folder = save_checkpoint(tmp_path / "toy", TINY, *states, "", "fp32", extras=extras)
    found = load_checkpoint(folder)
    assert list(found.extras) == ["planner"] and not load_checkpoint(plain).extras
    assert found.sha256 != load_checkpoint(plain).sha256
    built = from_checkpoint(found, ToyTextEncoder())
    for name, before in planner.state_dict().items():
        assert torch.equal(built.planner.network.state_dict()[name], before)


def test_boxes_of_another_shape_are_refused():
    with pytest.raises(InvalidArgument, match="slots, frames, 4"):
        Canvas(LatentSize(1, 4, 4), (PromptSpan("a"),), boxes=torch.zeros(1, 2, 3))


def walking(step, frames=9):
    """An actor of a fifth of the frame that goes right by `step` a frame, beside an empty slot."""
    left = 0.4 + step * (torch.arange(frames) - (frames - 1) / 2)
    box = torch.stack([left, torch.full_like(left, 0.2), left + 0.2, torch.full_like(left, 0.4)], dim=-1)
    return torch.stack([box, torch.full_like(box, float("nan"))])[None]


def speed_of(boxes):
    return float((boxes[0, 0, 1:, 0] - boxes[0, 0, :-1, 0]).abs().mean()) * 8


def motion(value):
    return torch.tensor([[float("nan"), value, 0.0, 0.0, 0.0]])


@pytest.mark.parametrize("asked", [0.12, 0.2, 0.4])
def test_a_plan_is_drawn_out_to_the_speed_told(asked):
    boxes = paced(walking(0.02), motion(asked))
    assert speed_of(boxes) == pytest.approx(asked * FASTEST) and boxes[:, 1].isnan().all()
    torch.testing.assert_close(boxes[0, 0, :, 2:] - boxes[0, 0, :, :2], torch.full((9, 2), 0.2))
    assert float(boxes[0, 0, 4, 0]) == pytest.approx(0.4) and boxes[0, 0, :, 1].tolist() == pytest.approx([0.2] * 9)


def test_a_plan_stays_in_the_frame_and_rest_stays_rest():
    wide = paced(walking(0.04, frames=17), motion(1.0))
    assert float(wide[0, 0, -1, ::2].mean()) == pytest.approx(0.9) and float(wide[0, 0, 0, ::2].mean()) >= 0.1 - 1e-6
    for boxes, told in ((walking(0.002), motion(1.0)), (walking(0.02), motion(float("nan")))):
        assert torch.equal(paced(boxes, told)[0, 0], boxes[0, 0])
