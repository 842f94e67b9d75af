"""The few-step stage: what is learnt, from which walks, and that it is learnt."""

import dataclasses

import pytest
import torch

from skyloom.config import OptimConfig, TaskMix, TrainConfig, TransformerConfig
from skyloom.diffusion.distillation import FINEST, LESSONS, jumping
from skyloom.diffusion.flow import mix
from skyloom.diffusion.guidance import classifier_free, guided
from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.models.boxes import no_boxes
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import SamplingConfig
from skyloom.seeds import generator_for
from skyloom.training import few_step
from skyloom.training.distributed import Ranks
from skyloom.training.examples import Examples, unnamed
from skyloom.training.few_step import FewStepStage, finish_few_step, jump_losses, told_of
from skyloom.training.loop import train
from skyloom.training.tasks_mix import TASKS
from skyloom.training.transformer import start_transformer

NETWORK = TransformerConfig(
    latent_channels=4, hidden_size=32, num_layers=1, num_heads=2, text_dim=6, text_layers=1, max_text_tokens=5,
    box_slots=2,
)  # fmt: skip
SAMPLING = SamplingConfig(guidance_scale=3.0)
ONLY = dict.fromkeys((*TASKS, "image"), 0.0)


class ToyDraw:
    """Samples that depend on the step and the row alone."""

    def _made(self, name, number, count):
        g = generator_for(0, name, number)
        latents = torch.randn(count, 4, 3, 2, 2, generator=g)
        words, mask = torch.randn(count, 5, 6, generator=g), torch.ones(count, 5, dtype=torch.bool)
        scalars = torch.full((count, 5), float("nan"))
        boxes = no_boxes(count)
        return Examples(latents, words, mask, scalars, torch.zeros_like(latents), boxes, unnamed(boxes))

    def examples(self, seed, step, wants_source, rows):
        whole = self._made("examples", step, len(wants_source))
        return Examples(**{f.name: getattr(whole, f.name)[rows] for f in dataclasses.fields(whole)})

    def unseen(self, number, count):
        return self._made("unseen", number, count)

    def empty_prompt(self):
        return torch.zeros(1, 5, 6), torch.tensor([[True, False, False, False, False]])


def networks():
    torch.manual_seed(0)
    teacher = Transformer(NETWORK)
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    student = Transformer(dataclasses.replace(NETWORK, jumps=True))
    start_transformer(student, teacher.state_dict(), "teacher")
    return student, teacher


def stage_of(steps=60, ranks=Ranks(), sampling=SAMPLING, **tasks):
    config = TrainConfig(
        steps=steps, batch_size=4, precision="fp32", compile=False, checkpoint_every=100, sample_every=100,
        optim=OptimConfig(muon_lr=0.02, adamw_lr=4e-3, warmup_steps=3, ema_halflives=(5, 1000)),
    )  # fmt: skip
    mix_of = TaskMix(**(ONLY | (tasks or {"nothing_known": 1.0})))
    return FewStepStage(*networks(), config, mix_of, ToyDraw(), sampling, ranks=ranks)


def lesson_of(stage, step=0):
    question = stage._asks.question(step)
    return question, stage.lesson(question, generator_for(0, "few-step", step), slice(None))


def test_lessons_are_the_pipelines_own_guided_walks(monkeypatch):
    """The end of a walk is where the many-step sampler ends with the same guidance, words and noise."""
    monkeypatch.setattr(few_step, "STARTED", 0.0)
    stage = stage_of()
    question, lesson = lesson_of(stage)
    told, silent = told_of(question), stage._silent(told_of(question))

    def velocity_of(noisy, sigma, conditions):
        half = len(noisy) // 2
        parts = zip((noisy[:half], noisy[half:]), conditions, strict=True)
        return torch.cat([stage.teacher(x, sigma[:half], c.embeds, c.mask, known=c.known) for x, c in parts])

    velocity_fn = guided(velocity_of, classifier_free(told, silent, 3.0))
    ends = sample(velocity_fn, question.noise, shifted_schedule(FINEST * few_step.SMALL, 1.0))
    whole = (lesson.sigma == 1) & (lesson.target == 0)
    assert int(whole.sum()) == 4
    assert torch.equal(lesson.noisy[whole], question.noise)
    torch.testing.assert_close(lesson.noisy[whole] - lesson.velocity[whole], ends, atol=1e-4, rtol=0)


def test_jumps_of_one_walk_meet_where_they_should(monkeypatch):
    monkeypatch.setattr(few_step, "STARTED", 0.0)
    question, lesson = lesson_of(stage_of())
    rows = sum(count for _, count in LESSONS)
    landed = lesson.noisy + (lesson.target - lesson.sigma).view(-1, 1, 1, 1, 1) * lesson.velocity
    met = 0
    for one in range(rows):
        for other in range(rows):
            if lesson.target[one] == lesson.sigma[other]:
                torch.testing.assert_close(landed[one], lesson.noisy[other], atol=1e-5, rtol=0)
                met += 1
    assert met > 3 and len(lesson.sigma) == rows * len(question.noise)


def test_known_cells_are_seen_at_their_own_level_and_do_not_count():
    question, lesson = lesson_of(stage_of(first_frames=1.0))
    assert question.known.any() and (question.context_sigma > 0).any()
    path = lesson.path
    seen = mix(question.examples.latents, question.noise, question.context_sigma)[path]
    known = lesson.told.known[path].expand_as(lesson.noisy) > 0.5
    torch.testing.assert_close(lesson.noisy[known], seen[known])
    exact = torch.where(known, lesson.velocity + 1e6, lesson.velocity)
    floor = few_step.STEADY**0.5
    torch.testing.assert_close(jump_losses(exact, lesson, torch.ones(4)), torch.full((len(path),), floor))
    off = jump_losses(exact + 3, lesson, torch.ones(4))
    torch.testing.assert_close(off, torch.full((len(path),), (9 + few_step.STEADY) ** 0.5))


def test_some_walks_begin_at_a_noised_clip(monkeypatch):
    monkeypatch.setattr(few_step, "STARTED", 1.0)
    question, lesson = lesson_of(stage_of())
    start = float(lesson.sigma.max())
    assert few_step.LEAST_STRENGTH <= start < 1
    first = lesson.sigma == lesson.sigma.max()
    path = lesson.path[first]
    begun = mix(question.examples.latents, question.noise, start)[path]
    torch.testing.assert_close(lesson.noisy[first], begun)
    levels = shifted_schedule(FINEST, 1.0, start).float()
    assert all((levels - level).abs().min() < 1e-6 for level in (*lesson.sigma, *lesson.target))


def test_ranks_share_the_very_lessons_of_one():
    whole = lesson_of(stage_of())[1]
    for rank in range(2):
        stage = stage_of(ranks=Ranks(rank, 2))
        rows = stage.ranks.rows(4)
        half = stage.lesson(stage._asks.question(0), generator_for(0, "few-step", 0), rows)
        mine = slice(rank * len(half.sigma), (rank + 1) * len(half.sigma))
        assert torch.equal(half.sigma, whole.sigma[mine]) and torch.equal(half.target, whole.target[mine])
        torch.testing.assert_close(half.velocity, whole.velocity[mine], atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("few")
    stage = stage_of(steps=40)
    before = stage.unseen_loss()
    train(stage, stage.config, run_dir, measure=False)
    return stage, run_dir, before


def test_training_brings_four_jumps_nearer_to_the_guided_walk(trained):
    stage, run_dir, before = trained
    found = finish_few_step(stage, run_dir)
    assert (run_dir / "few_step.safetensors").exists() and found["unseen_loss"] < 0.85 * before
    question = stage._asks.unseen(50)
    told = told_of(question)

    def jump(noisy, sigma, target):
        return stage.student(noisy, sigma, told.embeds, told.mask, target_sigma=target)

    def plain(noisy, sigma):
        return stage.teacher(noisy, sigma, told.embeds, told.mask)

    walked = stage._walk(question, told, shifted_schedule(16, 1.0), question.examples.latents)[-1]
    sigmas = shifted_schedule(4, 1.0)
    jumped, unguided = sample(jumping(jump, sigmas), question.noise, sigmas), sample(plain, question.noise, sigmas)
    assert (jumped - walked).square().mean() < 0.7 * (unguided - walked).square().mean()


def test_the_teacher_is_never_moved(trained):
    stage, *_ = trained
    fresh = networks()[1].state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in stage.teacher.state_dict().items())


def test_a_step_is_the_same_whenever_it_is_asked():
    first, again = stage_of(), stage_of()
    again.loss(0)
    assert torch.equal(first.loss(3)[0], again.loss(3)[0])
    assert not torch.equal(first.loss(3)[0], first.loss(4)[0])
