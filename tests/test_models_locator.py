"""Finding named actors: what is learnt, what is drawn, what a plan makes of it."""

from dataclasses import replace

import pytest
import torch

from pipeline_parts import ToyTextEncoder, randomised, toy_networks
from skyloom.config import LocatorConfig, TrainConfig
from skyloom.errors import TrainingError
from skyloom.models.locator import Locator, located
from skyloom.models.transformer import Transformer
from skyloom.pipelines.canvas import Canvas, PromptSpan
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.planning import planned
from skyloom.pipelines.tasks import text_to_video
from skyloom.presets import TINY
from skyloom.seeds import generator_for
from skyloom.shapes import LatentSize
from skyloom.training.examples import Examples
from skyloom.training.locator import LocatorStage, Search, draw_shown, graded
from skyloom.training.loop import train

CONFIG = LocatorConfig(latent_channels=4, hidden_size=32, num_layers=1, text_dim=8)
NAMES = torch.eye(4, 8)
FRAMES, SIDE = 3, 6


def made(clips: torch.Tensor) -> Examples:
    """Actor k fills a box of two by two cells with its own channel; it moves a cell to the right each latent frame."""
    count = len(clips)
    latents, actors = torch.zeros(count, 4, FRAMES, SIDE, SIDE), torch.full((count, 2), -1)
    boxes = torch.full((count, 2, 1 + 4 * (FRAMES - 1), 4), float("nan"))
    for row, number in enumerate(clips.tolist()):
        generator = generator_for(number, "toy clip")
        who, left, low = (int(torch.randint(n, (1,), generator=generator)) for n in (4, SIDE - FRAMES - 1, SIDE - 2))
        actors[row, 0] = who
        for frame in range(FRAMES):
            x = left + frame
            latents[row, who, frame, SIDE - low - 2 : SIDE - low, x : x + 2] = 1.0
            span = slice(0, 1) if frame == 0 else slice(4 * frame - 3, 4 * frame + 1)
            boxes[row, 0, span] = torch.tensor([x, low, x + 2, low + 2]) / SIDE
    nothing = torch.zeros(count, 1, 8)
    words = (nothing, nothing[..., 0] > 0, torch.zeros(count, 5))
    return Examples(latents, *words, torch.zeros_like(latents), boxes, actors)


class ToyDraw:
    """Toy clips, each once."""

    def examples(self, seed, step, wants_source, rows):
        return made(torch.arange(step * len(wants_source), (step + 1) * len(wants_source))[rows])

    def unseen(self, number, count):
        return made(10**6 + torch.arange(number * count, (number + 1) * count))

    def empty_prompt(self):
        return torch.zeros(1, 1, 8), torch.zeros(1, 1, dtype=torch.bool)


@pytest.fixture(scope="module")
def stage():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        locator = Locator(CONFIG)
    locator.calibrate(NAMES)
    config = TrainConfig(steps=150, batch_size=16, compile=False, precision="fp32")
    return LocatorStage(locator, config, ToyDraw(), NAMES)


@pytest.fixture(scope="module")
def trained(stage, tmp_path_factory):
    before = graded(stage.locator, stage.unseen(0))
    train(stage, stage.config, tmp_path_factory.mktemp("run"), measure=False)
    return before, stage.locator.eval()


def test_it_learns_where_who_is_and_who_is_not_there(stage, trained):
    before, locator = trained
    after = graded(locator, stage.unseen(0))
    assert before["overlap"] < 0.3 < 0.6 < after["overlap"]
    assert after["there"] == 1.0 and after["absent"] > 0.9


def test_grades_are_those_of_a_known_answer(stage):
    search = stage.unseen(0)

    class Knowing:
        def __call__(self, latents, shown, names):
            plan = search.plan.clone()
            plan[:, 1::4], plan[:, 3::4] = plan[:, 1::4] + 4 / SIDE, plan[:, 3::4] + 4 / SIDE  # one cell to the right
            return plan

    assert graded(Knowing(), search) == pytest.approx({"overlap": 1 / 3, "there": 1.0, "absent": 1.0})


def test_frames_that_are_not_shown_change_nothing_and_no_name_is_nobody(trained):
    locator = trained[1]
    clips = made(torch.tensor([3]))
    other, shown = clips.latents.clone(), torch.tensor([True, True, False])
    other[:, :, 2] = 7.0
    names = torch.stack([NAMES[clips.actors[0, 0]], torch.zeros(8)])[None]
    found = located(locator, clips.latents, shown, names)
    assert torch.equal(found[:, 0], located(locator, other, shown, names)[:, 0])
    assert (found[0, 0, :5] - clips.boxes[0, 0, :5]).abs().max() < 0.5 / SIDE
    assert found[0, 1].isnan().all()


def test_every_pattern_of_known_frames_is_drawn_and_none_is_empty():
    shown = draw_shown(2000, 4, torch.Generator().manual_seed(0))
    assert shown.any(1).all()
    seen = {tuple(row) for row in shown.int().tolist()}
    assert {(1, 1, 1, 1), (1, 0, 0, 0), (0, 0, 0, 1), (1, 0, 0, 1), (0, 1, 0, 0)} <= seen


def test_clips_without_names_are_refused(stage):
    clips = made(torch.tensor([1]))
    with pytest.raises(TrainingError, match="do not tell which actors"):
        stage._asked(replace(clips, actors=torch.full((1, 2), -1)), torch.ones(1, 3), torch.zeros(1), torch.zeros(1))


def test_the_absent_one_is_never_there(stage):
    search: Search = stage.search(0)
    asked = search.names[:, -1]
    here = stage.draw.examples(0, 0, torch.zeros(16, dtype=torch.bool), slice(None)).actors[:, 0]
    assert (asked.argmax(-1) != here).all() and (search.plan[:, 0, :, 0, -1] == -1).all()


def pipeline_with(locator):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        planner = randomised(Transformer(TINY.planner), 3)
    return Pipeline(*toy_networks(), ToyTextEncoder(), TINY, "toy", planner=planner, locator=locator)


def begun(pipeline, prompt="a fox runs"):
    free: Canvas = text_to_video(pipeline.room(), prompt)
    size: LatentSize = free.size
    known = torch.zeros(1, 8, size.latent_frames, size.latent_height, size.latent_width)
    mask = torch.zeros_like(known[:, :1])
    mask[:, :, 0] = 1
    return replace(free, known=known, mask=mask)


BOX = torch.tensor([0.25, 0.0, 0.75, 0.5])


def found_there(locator, latents, shown, names):
    """Stands for a locator that sees the first name everywhere, and no other."""
    boxes = torch.full((1, names.shape[1], 5, 4), float("nan"))
    boxes[:, 0] = BOX
    return boxes


def test_a_plan_goes_on_from_where_who_is_found_is(monkeypatch):
    pipeline = pipeline_with(Locator(TINY.locator))
    monkeypatch.setattr("skyloom.pipelines.planning.located", found_there)
    canvas = planned(pipeline.planner, pipeline._encode, [begun(pipeline)], [1])[0]
    assert torch.allclose(canvas.boxes[0, 0, 0], BOX, atol=1e-5) and canvas.boxes[0, 1].isnan().all()
    assert canvas.boxes[0, 0].isfinite().all()
    for other in (begun(pipeline, "it snows"), replace(begun(pipeline), prompts=(PromptSpan("a"), PromptSpan("b")))):
        assert planned(pipeline.planner, pipeline._encode, [other], [1])[0].boxes is None


def test_nobody_found_is_nobody_told(monkeypatch):
    nowhere = Locator(TINY.locator)
    torch.nn.init.zeros_(nowhere.out.weight)
    torch.nn.init.constant_(nowhere.out.bias, -1.0)
    pipeline = pipeline_with(nowhere)
    assert planned(pipeline.planner, pipeline._encode, [begun(pipeline)], [1])[0].boxes is None
    bare = pipeline_with(None)
    assert planned(bare.planner, bare._encode, [begun(bare)], [1])[0].boxes is None
