"""Three frames continued, from training to table, at toy size."""

import json

import pytest
import torch
from typer.testing import CliRunner

from skyloom.cli import app
from skyloom.data.phyworld_questions import questions
from skyloom.errors import CheckpointError
from skyloom.evaluation.phyworld_suite import LINES, PhyWorldAsked, carried_on, run
from skyloom.evaluation.phyworld_tables import phyworld_tables
from skyloom.evaluation.samples import SampleLog
from skyloom.models.transformer import Transformer
from skyloom.pipelines.phyworld import Continuer, load_continuer, rendered
from skyloom.training.phyworld import TASKS, ContinuationStage, LatentDraw, PhyWorldPlan, fitted_codec, training_config

PLAN = PhyWorldPlan(hidden_size=32, num_layers=1, clips=60)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Continuer("uniform", fitted_codec(PLAN), Transformer(PLAN.network()), {"steps": 0})


def test_only_the_first_cell_is_known_and_exactly(model):
    latents = torch.randn(60, 9, 11, 1, 1)
    draw = LatentDraw(latents, PLAN.network())
    stage = ContinuationStage(model.transformer, training_config(2, 4, 0), TASKS, draw)
    question = stage.question(0)
    assert question.known[:, 0, :, 0, 0].tolist() == [[1.0] + [0.0] * 10] * 4
    assert question.context_sigma.sum() == 0
    assert stage.loss(1)[0].isfinite()


def test_known_frames_come_back_untouched_and_a_seed_is_a_clip(model):
    asked = questions("uniform", "in range", 2)
    known = rendered(asked.motion, 64, 3)
    made = model.generate(known, [5, 6], steps=2)
    assert made.shape == (2, 3, 32, 64, 64)
    assert torch.equal(made[:, :, :3], known)
    assert torch.allclose(made[1:], model.generate(known[1:], [6], steps=2), atol=1e-4)


def test_the_pace_of_three_frames_finds_the_law_and_clamping_does_not():
    asked = questions("uniform", "out of range", 40)
    fast = [row for row, kind in enumerate(asked.kinds) if kind == "speed"]
    motion = asked.motion.select(torch.tensor(fast))
    true = motion.positions(torch.arange(32).double() * 0.1)
    assert torch.allclose(carried_on("uniform", true[:, :3], clamp=False), true, atol=1e-6)
    held = carried_on("uniform", true[:, :3], clamp=True)
    pace = (held[:, -1, 0, 0] - held[:, 2, 0, 0]) / 2.9
    assert ((pace > 0.999) & (pace < 4.001)).all()


def test_a_suite_without_a_model_prints_floors_and_resumes(tmp_path):
    plan = PhyWorldAsked(("uniform",), count=2, batch_size=1)
    log, counted = SampleLog(tmp_path / "phyworld.jsonl", {}), []
    samples = run(plan, None, log, tmp_path, counted.append)
    again = run(plan, None, log, tmp_path, counted.append)
    assert json.dumps(samples) == json.dumps(again) and sum(counted) == 8
    tables, numbers = phyworld_tables(samples, {}, 0)
    assert [row[0] for row in tables[0].rows[:4]] == list(LINES)
    floor = numbers["uniform"]["real clip"]["in range"]
    assert floor["unbiased"]["speed"]["mean"] < 2e-3 < floor["published"]["speed"]["mean"]


def test_from_the_command_line(tmp_path):
    run_dir, settings = tmp_path / "run", ["--steps", "2", "--batch-size", "4", "--clips", "60"]
    done = CliRunner().invoke(app, ["train", "phyworld", "parabola", str(run_dir), *settings])
    assert done.exit_code == 0, done.output
    model = load_continuer(run_dir / "checkpoint")
    assert model.name == "parabola" and model.about["steps"] == 2
    with pytest.raises(CheckpointError, match="not a checkpoint trained on PhyWorld"):
        load_continuer(tmp_path)
