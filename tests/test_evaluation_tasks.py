"""The tasks suite at toy size: sampling together, planted faults in edits and frames, resuming, tables."""

import functools
import importlib.util
import json
from dataclasses import replace

import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.config import ClipConfig
from skyloom.evaluation import tasks_suite
from skyloom.evaluation.framing import share_inside, squares
from skyloom.evaluation.oracle import Oracle
from skyloom.evaluation.oracle_clips import render_scenes, vocabulary_of
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.task_bench import Bench, Goal, Row, Subject, TasksPlan, by_case
from skyloom.evaluation.task_cases import choose, scenes_of, with_camera, words
from skyloom.evaluation.tasks_suite_control import shape_of
from skyloom.evaluation.tasks_suite_edits import INSTRUCTED, edit_scores, pairs_of
from skyloom.evaluation.tasks_suite_masks import actor_masks, caption_with, margins
from skyloom.evaluation.tasks_tables import goals_table, reached, row_tables, summed_up
from skyloom.evaluation.together import Together
from skyloom.models.watcher import Watcher
from skyloom.pipelines.tasks import text_to_video
from skyloom.presets import TINY
from skyloom.world.facts import describe_all
from skyloom.world.scene import NO_ACTOR
from skyloom.world.split import is_heldout

PLAN = TasksPlan(TINY.world, TINY.clip, count=2, batch_size=2)


@functools.cache
def bench(plan=PLAN):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = Watcher(vocabulary_of(TINY.world))
    pipeline = toy_pipeline()
    pipeline.sampling = replace(pipeline.sampling, num_inference_steps=1)
    return Bench(Together(pipeline), Oracle(networks), plan)


def reading(**changes):
    fox = {"name": "fox", "motion": "walk", "direction": "left"}
    base = {"count": 1, "actors": [fox], "place": "beach", "weather": "clear", "camera": "still"}
    return base | {"style": "3d render", "in_order": True} | changes


def test_sampling_together_gives_what_each_alone_gives():
    pipeline = toy_pipeline()
    room, together = pipeline.room(), Together(pipeline)
    canvases = [text_to_video(room, prompt) for prompt in ("a fox runs", "a cat on a beach", "a dog")]
    asked = [lambda engine, c=canvas, s=seed: engine.run(c, seed=s) for seed, canvas in enumerate(canvases)]
    whole, alone = together.each(asked), [pipeline.run(canvas, seed=seed) for seed, canvas in enumerate(canvases)]
    for one, other in zip(whole, alone, strict=True):
        assert abs(one.frames.astype(int) - other.frames).max() <= 1


def test_sampling_together_takes_one_batch_and_hands_errors_on(monkeypatch):
    pipeline = toy_pipeline()
    room, together, sizes = pipeline.room(), Together(pipeline), []
    sample = type(pipeline).sample

    def counting(self, canvases, seeds, request, on_step=None):
        sizes.append(len(seeds))
        return sample(self, canvases, seeds, request, on_step)

    monkeypatch.setattr(type(pipeline), "sample", counting)
    canvas = text_to_video(room, "a fox")
    twice = [lambda engine, n=n: [engine.run(canvas, seed=n + k) for k in range(1 + n)] for n in range(3)]
    assert [len(videos) for videos in together.each(twice)] == [1, 2, 3]
    assert sizes == [3, 2, 1]

    def broken(engine):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        together.each([lambda engine: engine.run(canvas, seed=0), broken])


def test_cases_are_held_out_and_the_first_of_more():
    more = choose(TINY.world, "moving", 0, range(6), "a test")
    assert choose(TINY.world, "moving", 0, [0, 4], "another")[1].scene == more[4].scene
    scenes = scenes_of(TINY.world, "moving", more, TINY.clip)
    assert bool(is_heldout(scenes.actor[:, 0], scenes.motion[:, 0], scenes.place).all())
    assert all(case.facts == facts for case, facts in zip(more, describe_all(scenes), strict=True))
    assert len({case.seed for case in more}) == 6
    assert words(more[0].facts, 0, more[0].scene) == more[0].prompt


def test_a_wrong_slot_is_told_from_a_lost_one():
    wanted = {k: v for k, v in reading(place="desert").items() if k != "in_order"}
    right, untouched = edit_scores(reading(place="desert"), wanted, "place"), edit_scores(reading(), wanted, "place")
    assert (right["asked"], right["kept"]) == (1.0, 1.0)
    assert (untouched["asked"], untouched["kept"]) == (0.0, 1.0)
    lost = edit_scores(reading(place="desert", weather="rain", count=2), wanted, "place")
    assert lost["asked"] == 1.0
    assert lost["kept"] == pytest.approx(5 / 7)


def test_edits_change_what_they_say_and_masks_cover_it():
    cases = choose(TINY.world, "any", 0, range(4), "a test")
    one = bench()
    before, after, kinds = pairs_of(one, cases, "any", ["actor", "place", "style", "weather"])
    assert kinds == ["actor", "place", "style", "weather"]
    assert set(kinds) <= set(INSTRUCTED)
    assert (before.actor[1:] == after.actor[1:]).all() and before.actor[0, 0] != after.actor[0, 0]
    calm = choose(TINY.world, "calm", 0, range(4), "a test")
    scenes = scenes_of(TINY.world, "calm", calm, TINY.clip)
    gone = replace(scenes, actor=torch.full_like(scenes.actor, NO_ACTOR))
    change = (render_scenes(scenes, TINY.clip) - render_scenes(gone, TINY.clip)).abs().amax(1)
    masks = actor_masks(one, [scenes])
    inside = (change * masks).sum((1, 2, 3)) / change.sum((1, 2, 3))
    assert (inside > 0.7).all()  # shadows and reflections reach beyond
    assert (masks.mean((1, 2, 3)) < 0.7).all()
    assert margins(one, 1)[0, 0].mean().item() == pytest.approx(0.375)
    name = calm[0].facts.actors[0].name
    assert name in caption_with(calm[0].facts, name, 0)


def test_a_box_pushed_out_by_half_is_half_inside():
    boxes = torch.tensor([[0.2, 0.2, 0.6, 0.8], [0.8, 0.2, 1.2, 0.8], [1.1, 0.0, 1.5, 1.0]])
    assert share_inside(boxes).tolist() == pytest.approx([1.0, 0.5, 0.0])


def test_squares_cover_frames_of_any_shape():
    wide = torch.arange(80.0).expand(1, 3, 2, 48, 80)
    looked = squares(wide)
    assert all(square.shape[-2:] == (48, 48) for square, _ in looked)
    assert looked[0][1] == 0 and looked[-1][1] == 32
    assert all(square[0, 0, 0, 0, 0] == left for square, left in looked)
    ((tall, left),) = squares(torch.rand(1, 3, 2, 80, 48))
    assert tall.shape[-2:] == (80, 80) and left == -16
    assert [shape_of(ClipConfig(), shape, 16).height for shape in ("portrait", "square", "landscape")] == [80, 64, 48]


def test_cameras_by_name_move_as_told():
    cases = choose(TINY.world, "calm", 0, range(2), "a test")
    scenes = with_camera(scenes_of(TINY.world, "calm", cases, TINY.clip), ["pan left", "zoom in"])
    assert [facts.camera for facts in describe_all(scenes)] == ["pan left", "zoom in"]


def counted(sizes):
    def measure(_, numbers):
        sizes.append(len(numbers))
        return [{"made": {"seam": 1.0 + number}, "render": {"seam": 1.0}} for number in numbers]

    return measure


def test_a_stopped_suite_goes_on(tmp_path):
    sizes, done = [], []
    rows = {"one": Row("one", measure=counted(sizes)), "two": Row("two", measure=counted(sizes), clips=2)}
    plan = replace(PLAN, count=6, batch_size=4)
    log = SampleLog(tmp_path / "tasks.jsonl", {"seed": 0})
    first = tasks_suite.run(bench(plan), log, done.append, rows)
    assert sizes == [4, 2, 3] and sum(done) == tasks_suite.steps_of(6, rows) == 12
    lines = log.path.read_text().splitlines()
    log.path.write_text("\n".join(lines[:6]) + "\n")
    assert tasks_suite.run(bench(plan), log, done.append, rows) == first
    assert sizes == [4, 2, 3, 1, 3] and sum(done) == 24


def test_goals_are_reached_or_not():
    samples = [{"row": "one", "values": {"made": {"seam": value, "gap": 0.5}}} for value in (1.0, 1.1, 9.0)]
    goals = (Goal("seam", "<=", 1.2, "median"), Goal("seam ever", ">=", 1.0), Goal("gap", ">=", 1.0))
    rows = {"one": Subject("one task", goals)}
    tables, numbers = row_tables("Tasks", rows, samples, 0)
    assert [line[4] for line in tables[0].rows] == ["yes", "not measured", "no"]
    assert numbers["one"]["made"]["seam"]["mean"] == 1.1
    assert tables[1].rows[0][0] == "seam (median)"
    assert summed_up([], 0) is None
    assert reached(Goal("gap", "<=", 1.0), summed_up([2.0], 0)) is False
    assert goals_table("Tasks", rows, {}).rows[0][4] == "not measured"


def test_by_case_leaves_out_what_was_not_asked():
    lines = {"made": {"place": [1.0, float("nan")], "gap": torch.tensor([0.25, 0.5])}}
    assert by_case(lines, 2) == [{"made": {"place": 1.0, "gap": 0.25}}, {"made": {"gap": 0.5}}]


@pytest.mark.parametrize("name", tasks_suite.ROWS)
@pytest.mark.filterwarnings("ignore::skyloom.pipelines.prompts.PromptWarning")
def test_every_row_measures(name):
    row = tasks_suite.ROWS[name]
    found = row.measure(bench(), [0])
    assert len(found) == 1
    assert json.loads(json.dumps(found)) == found
    absent = {"over flow"} if importlib.util.find_spec("cv2") is None else set()  # OpenCV is an extra
    assert {goal.measure for goal in row.goals} - absent <= set(found[0]["made"])
