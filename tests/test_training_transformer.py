"""Task patterns, the bank of latents and the transformer's stage."""

import dataclasses
import itertools
import types

import pytest
import torch
from torch import nn

from skyloom.config import AutoencoderConfig, OptimConfig, TaskMix, TrainConfig, TransformerConfig
from skyloom.errors import CheckpointError, InvalidArgument, TrainingError
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.boxes import no_boxes
from skyloom.models.transformer import Transformer
from skyloom.training.distributed import Ranks
from skyloom.training.examples import BankDraw, Examples, unnamed
from skyloom.training.latent_bank import CaptionedClips, LatentBank, Prompts, build_bank, encode_clips
from skyloom.training.live import LiveDraw
from skyloom.training.loop import train
from skyloom.training.tasks_mix import TASKS, draw_image, draw_known, draw_tasks
from skyloom.training.transformer import (
    UNNAMED,
    UNNAMED_TOO,
    Question,
    TransformerStage,
    channel_weights,
    finish_transformer,
    noised,
    start_transformer,
    velocity_loss,
)

LATENTS = AutoencoderConfig(latent_channels=4, hidden_size=8, encoder_blocks=1, decoder_blocks=1, refine_channels=4)
NETWORK = TransformerConfig(
    latent_channels=4,
    hidden_size=32,
    num_layers=1,
    num_heads=2,
    text_dim=6,
    text_layers=1,
    max_text_tokens=5,
    box_slots=2,
)
ONLY = dict.fromkeys((*TASKS, "image"), 0.0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# -- tasks


def known_of(task, shape=(5, 4, 4), count=400):
    tasks = torch.full((count,), TASKS.index(task))
    return draw_known(tasks, shape, generator())[:, 0]


def test_tasks_come_as_often_as_their_weights_say():
    mix = TaskMix(**ONLY | {"nothing_known": 3.0, "every_kth": 1.0})
    counts = draw_tasks(mix, 4000, generator()).bincount(minlength=len(TASKS)) / 4000
    assert counts[TASKS.index("nothing_known")] == pytest.approx(0.75, abs=0.03)
    assert counts[TASKS.index("every_kth")] == pytest.approx(0.25, abs=0.03)
    images = sum(draw_image(TaskMix(**ONLY | {"image": 1.0, "source": 4.0}), generator(i)) for i in range(1000))
    assert images / 1000 == pytest.approx(0.2, abs=0.04)
    assert set(draw_tasks(TaskMix(), 50, generator(), still=True).tolist()) <= {0, TASKS.index("random_box")}
    with pytest.raises(InvalidArgument, match="tasks"):
        draw_tasks(TaskMix(**ONLY), 4, generator())


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
@pytest.mark.parametrize("task", TASKS)
def test_something_is_always_asked_for(task, frames):
    assert (known_of(task, (frames, 2, 2)).flatten(1).mean(1) < 1).all()


def test_each_task_knows_what_its_name_says():
    whole = {task: known_of(task) for task in TASKS}
    lines = {task: known.flatten(2).amin(2) for task, known in whole.items()}
    for task in set(TASKS) - {"random_box"}:
        assert torch.equal(whole[task].flatten(2).amax(2), lines[task]), "whole frames"
    assert not whole["nothing_known"].any() and not whole["source"].any()
    patterns = {task: set(map(tuple, line.int().tolist())) for task, line in lines.items()}
    assert patterns["first_frames"] == {(1,) * k + (0,) * (5 - k) for k in range(1, 5)}
    assert patterns["last_frames"] == {(0,) * (5 - k) + (1,) * k for k in range(1, 5)}
    assert patterns["every_kth"] == {(1, 0, 1, 0, 1), (1, 0, 0, 1, 0), (1, 0, 0, 0, 1)}
    ends = {(1,) * a + (0,) * (5 - a - b) + (1,) * b for a, b in itertools.product(range(1, 4), repeat=2) if a + b < 5}
    assert patterns["both_ends"] == ends


def test_a_box_is_a_rectangle_known_inside_or_outside():
    known = known_of("random_box", (2, 4, 6))
    assert torch.equal(known[:, 0], known[:, 1])
    kinds = set()
    for picture in known[:, 0]:
        for value, box in ((0, 1 - picture), (1, picture)):
            rows, columns = box.amax(1), box.amax(0)
            if torch.equal(box, rows[:, None] * columns) and 0 < box.mean() < 1:
                kinds.add(value)
                break
        else:
            raise AssertionError(picture)
    assert kinds == {0, 1}


# -- the bank

WORDS = [f"word{i}" for i in range(40)]


def encode(prompts):
    """Features of a prompt: the sentence token, then one token for each word, up to four."""
    embeds, mask = torch.zeros(len(prompts), 5, 6), torch.zeros(len(prompts), 5, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        words = prompt.split()
        mask[row, : 1 + len(words)] = True
        embeds[row, 0] = len(words)
        for place, word in enumerate(words):
            embeds[row, 1 + place] = torch.arange(6.0) + float(word.removeprefix("word"))
    return embeds, mask


def pictures(indices):
    shade = (indices % 7 / 3.5 - 1).view(-1, 1, 1, 1, 1) + torch.arange(9).view(1, 1, 9, 1, 1) * 0.02
    return shade.expand(-1, 3, 9, 16, 16).clamp(-1, 1).contiguous()


def captioned(indices, count, pairs):
    captions = [[f"word{i % 7}" + f" word{j}" * j for j in range(count)] for i in indices.tolist()]
    scalars = indices.float()[:, None].expand(-1, 5)
    return CaptionedClips(pictures(indices), captions, scalars, -pictures(indices[:pairs]), ["word9"] * pairs)


def make_bank(folder, source=captioned, clips=300, **changes):
    torch.manual_seed(0)
    autoencoder = Autoencoder(LATENTS).requires_grad_(False)
    build_bank(folder, clips, 3, source, autoencoder, encode, settings={"world": 1} | changes)
    return autoencoder


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    autoencoder = make_bank(folder)
    return LatentBank(folder, 5), autoencoder, folder


def test_the_bank_holds_what_was_put_in(bank):
    bank, autoencoder, _ = bank
    rows = torch.tensor([0, 255, 256, 299])
    assert torch.allclose(bank.latents[rows].float(), encode_clips(autoencoder, pictures(rows)), atol=2e-3)
    assert torch.equal(bank.scalars[rows], rows.float()[:, None].expand(-1, 5))
    embeds, mask = bank.captions(rows, torch.tensor([0, 2, 1, 2]))
    expected = encode([f"word{255 % 7} word2 word2", f"word{299 % 7} word2 word2"])
    assert torch.equal(embeds[[1, 3]], expected[0]) and torch.equal(mask[[1, 3]], expected[1])
    assert bank.paired.tolist() == [*range(26), *range(256, 260)]
    assert torch.allclose(bank.before[26].float(), encode_clips(autoencoder, -pictures(rows[2:3]))[0], atol=2e-3)
    assert torch.equal(bank.instructions(torch.tensor([29]))[0], encode(["word9"])[0])
    assert torch.equal(bank.empty()[1], encode([""])[1])


def test_a_bank_is_gone_on_with_and_never_mixed(bank, tmp_path):
    _, _, folder = bank
    made = []

    def source(indices, count, pairs):
        made.append(indices.tolist())
        if len(made) == 2:
            raise KeyboardInterrupt
        return captioned(indices, count, pairs)

    with pytest.raises(KeyboardInterrupt):
        make_bank(tmp_path, source)
    with pytest.raises(CheckpointError, match=r"000001\.safetensors is missing"):
        LatentBank(tmp_path, 5)
    make_bank(tmp_path, source)
    assert [indices[0] for indices in made] == [0, 256, 256]
    for path in folder.glob("*.safetensors"):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    with pytest.raises(TrainingError, match="other settings"):
        make_bank(tmp_path, source, world=2)


def test_prompts_longer_than_the_room_are_cut():
    tokens = torch.arange(12.0).view(6, 2)
    embeds, mask = Prompts([(tokens, torch.tensor([0, 5, 6]))], 3).at(torch.tensor([0, 1]))
    assert torch.equal(embeds[0], tokens[:3]) and mask.tolist() == [[True] * 3, [True, False, False]]
    assert torch.equal(embeds[1], torch.tensor([[10.0, 11.0], [0, 0], [0, 0]]))


def test_an_epoch_shows_each_clip_once_and_none_held_back(bank):
    draw = BankDraw(bank[0])
    assert draw.trained == 294
    nothing = torch.zeros(42, dtype=torch.bool)
    shown = [draw.examples(0, step, nothing, slice(None)).scalars[:, 0] for step in range(14)]
    for epoch in (shown[:7], shown[7:]):
        assert sorted(torch.cat(epoch).tolist()) == list(range(294))
    assert not torch.equal(torch.cat(shown[:7]), torch.cat(shown[7:]))
    again = BankDraw(bank[0]).examples(0, 9, nothing, slice(21, 42))
    assert torch.equal(again.scalars[:, 0], shown[9][21:])
    assert set(draw.unseen(0, 12).scalars[:, 0].tolist()) == set(range(294, 300))


def test_samples_that_want_a_source_get_the_pair_and_its_instruction(bank):
    wants = torch.tensor([False, True, True, False])
    examples = BankDraw(bank[0]).examples(0, 3, wants, slice(None))
    assert (examples.source[[0, 3]] == 0).all()
    assert torch.equal(examples.prompt_embeds[1:3], encode(["word9"] * 2)[0])
    for row in (1, 2):
        place = bank[0].paired.tolist().index(int(examples.scalars[row, 0]))
        assert torch.equal(examples.source[row], bank[0].before[place].float())


def test_live_samples_are_the_clips_of_the_step_whatever_the_order(bank):
    source = types.SimpleNamespace(tell=captioned, show=lambda told: told)
    draw = LiveDraw(source, bank[1], encode, 5, "fp32")
    wants = torch.tensor([False, True, False, True])
    examples = draw.examples(0, 2, wants, slice(None))
    assert examples.scalars[:, 0].tolist() == [8, 9, 10, 11]
    assert torch.allclose(examples.latents, encode_clips(bank[1], pictures(torch.arange(8, 12))), atol=1e-6)
    assert (examples.source[~wants] == 0).all()
    assert torch.allclose(examples.source[wants], encode_clips(bank[1], -pictures(torch.tensor([9, 11]))), atol=1e-6)
    embeds, _ = encode(["word1", "word9", "word3", "word9"])
    assert torch.equal(examples.prompt_embeds, embeds)
    half = draw.examples(0, 2, wants, slice(2, 4))
    assert torch.allclose(half.source, examples.source[2:], atol=1e-6)


# -- the stage


def toy_question(known):
    count = len(known)
    shape = (count, 2, *known.shape[2:])
    examples = Examples(
        torch.randn(shape, generator=generator(1)), torch.zeros(count, 1, 6), torch.ones(count, 1).bool(),
        torch.zeros(count, 5), torch.zeros(shape), no_boxes(count), unnamed(no_boxes(count)),
    )  # fmt: skip
    noise = torch.randn(shape, generator=generator(2))
    sigma, actors = torch.full((count,), 0.5), torch.zeros(count, 2, *known.shape[2:])
    return Question(examples, noise, sigma, known, torch.tensor([0.0, 0.25]), actors, None)


def test_the_network_sees_two_levels_and_only_the_asked_cells_count():
    known = torch.zeros(2, 1, 3, 2, 2)
    known[:, :, 0] = 1
    question = toy_question(known)
    latents, noise = question.examples.latents, question.noise
    seen = noised(question)
    assert torch.equal(seen[0, :, 0], latents[0, :, 0])
    assert torch.allclose(seen[1, :, 0], 0.75 * latents[1, :, 0] + 0.25 * noise[1, :, 0])
    assert torch.allclose(seen[:, :, 1:], (latents + noise)[:, :, 1:] / 2)
    velocity = noise - latents
    velocity[:, :, 0] = 1e6
    alike = torch.ones(latents.shape[1])
    assert torch.equal(velocity_loss(velocity, question, alike), torch.zeros(2))
    velocity[1, :, 1:] += 2
    assert torch.allclose(velocity_loss(velocity, question, alike), torch.tensor([0.0, 4.0]), atol=1e-4)
    first = torch.zeros(latents.shape[1])
    first[0] = latents.shape[1]
    velocity[1, 1:, 1:] += 5
    assert torch.allclose(velocity_loss(velocity, question, first), torch.tensor([0.0, 4.0]), atol=1e-4)


def test_cells_of_told_actors_count_more():
    question = toy_question(torch.zeros(2, 1, 3, 2, 2))
    actors = torch.zeros(2, 2, 3, 2, 2)
    actors[0, :, 2, 0, 0] = 1.0
    question = dataclasses.replace(question, actors=actors)
    velocity = question.noise - question.examples.latents
    velocity[:, :, 2, 0, 0] += 2
    even, more = (velocity_loss(velocity, question, torch.ones(2), e) for e in (0.0, 3.0))
    torch.testing.assert_close(even, torch.full((2,), 4 / 12))
    torch.testing.assert_close(more, torch.tensor([4 * 4 / (12 + 3), 4 / 12]))


def test_a_step_tells_of_actors_only_as_often_as_it_should(bank):
    boxes = torch.tensor([0.0, 0.0, 0.5, 1.0]).expand(300, 3, 9, 4).clone()
    boxes[:, 1:] = float("nan")
    bank[0].boxes = boxes
    try:
        for share, wanted in ((1.0, 1.0), (0.0, 0.0)):
            actors = stage_of(bank[0], **(ONLY | {"nothing_known": 1.0, "boxes_told": share})).question(0).actors
            assert actors.shape == (8, 2, 3, 2, 2) and (actors[:, 1] == 0).all()
            assert (actors[:, 0, :, :, 0] == wanted).all() and (actors[:, 0, :, :, 1] == 0).all()
    finally:
        bank[0].boxes = None


def test_a_step_names_those_whose_boxes_it_tells(bank):
    table = torch.randn(7, 6, generator=generator())
    bank[0].boxes, bank[0].actors = torch.zeros(300, 3, 9, 4), torch.tensor([[4, -1, 6]]).expand(300, 3)
    try:
        for share in (0.0, 1.0):
            mix = TaskMix(**ONLY | {"nothing_known": 1.0, "boxes_told": share})
            network = Transformer(dataclasses.replace(NETWORK, box_names=True))
            config = TrainConfig(steps=9, batch_size=64, precision="fp32", compile=False)
            stage = TransformerStage(network, config, mix, BankDraw(bank[0]), names=table)
            names = stage.question(0).names
            told = names[:, 0].abs().sum(1) > 0
            assert not names[:, 1].any() and torch.equal(names[told, 0], table[4].expand(int(told.sum()), -1))
            named = 1 - 0.9 * UNNAMED - 0.1 * UNNAMED_TOO
            assert float(told.float().mean()) == pytest.approx(share * named, abs=0.12)
        assert stage_of(bank[0]).question(0).names is None
    finally:
        bank[0].boxes = bank[0].actors = None


def test_names_may_be_missing_from_the_weights_to_start_from_and_nothing_else():
    torch.manual_seed(0)
    old, new = Transformer(NETWORK), Transformer(dataclasses.replace(NETWORK, box_names=True))
    start_transformer(new, old.state_dict(), "old")
    latents, words = torch.randn(2, 4, 3, 2, 2), torch.randn(2, 5, 6)
    asked = (latents, torch.tensor([0.3, 0.8]), words, torch.ones(2, 5).bool())
    boxes, names = torch.rand(2, 2, 3, 2, 2), torch.randn(2, 2, 6)
    torch.testing.assert_close(new(*asked, boxes=boxes, names=names), old(*asked, boxes=boxes))
    with pytest.raises(CheckpointError, match=r"out\.weight"):
        start_transformer(new, {k: v for k, v in old.state_dict().items() if k != "out.weight"}, "old")


def test_channels_count_by_what_the_picture_owes_them():
    """A decoder that multiplies each channel by a known gain gives weights in the proportion of the gains."""
    autoencoder = Autoencoder(AutoencoderConfig(latent_channels=3, hidden_size=32, encoder_blocks=1, decoder_blocks=1))
    with torch.no_grad():
        for layer in (autoencoder.straight_out.first, autoencoder.straight_out.rest):
            layer.weight.copy_(torch.ones_like(layer.weight) * torch.tensor([1.0, 2.0, 5.0]))
    weights = channel_weights(autoencoder, torch.rand(4, 3, 9, 64, 64, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(weights, torch.tensor([3 / 8, 6 / 8, 15 / 8]), rtol=0.1, atol=0)


def stage_of(bank, steps=60, ranks=Ranks(), **tasks):
    config = TrainConfig(
        steps=steps, batch_size=8, precision="fp32", compile=False, checkpoint_every=100, sample_every=100,
        optim=OptimConfig(warmup_steps=5, ema_halflives=(5, 1000)),
    )  # fmt: skip
    torch.manual_seed(0)
    return TransformerStage(Transformer(NETWORK), config, TaskMix(**tasks), BankDraw(bank), ranks=ranks)


def test_ranks_share_the_very_batch_of_one(bank):
    for step in range(3):
        whole = stage_of(bank[0]).question(step)
        halves = [stage_of(bank[0], ranks=Ranks(rank, 2)).question(step) for rank in range(2)]
        for field in ("noise", "sigma", "known", "context_sigma"):
            assert torch.equal(torch.cat([getattr(half, field) for half in halves]), getattr(whole, field))
        for field in dataclasses.fields(Examples):
            parts = torch.cat([getattr(half.examples, field.name) for half in halves])
            assert torch.allclose(parts, getattr(whole.examples, field.name), equal_nan=True, rtol=0, atol=0)


def test_prompts_and_scalars_are_dropped_as_often_as_asked(bank):
    questions = [stage_of(bank[0], drop_prompt=0.5, image=0.0).question(step) for step in range(60)]
    unprompted = torch.cat([q.examples.prompt_mask.sum(1) == 1 for q in questions]).float().mean()
    assert unprompted == pytest.approx(0.5, abs=0.08)
    untold = torch.cat([q.examples.scalars.isnan() for q in questions]).float()
    assert untold.amin(1).mean() == pytest.approx(0.5, abs=0.08)
    assert untold.mean() == pytest.approx(1 - 0.5 * 0.75, abs=0.08)


def test_an_image_step_takes_one_frame_and_tells_nothing_of_motion(bank):
    question = stage_of(bank[0], **ONLY | {"image": 1.0}).question(0)
    assert question.examples.latents.shape[2] == 1 and question.examples.scalars.isnan().all()


def test_training_learns_and_the_better_average_is_kept(bank, tmp_path):
    stage = stage_of(bank[0])
    before = stage.unseen_loss(2)
    train(stage, stage.config, tmp_path, measure=False)
    found = finish_transformer(stage, tmp_path)
    assert stage.unseen_loss(2) < 0.75 * before
    assert found["halflife"] in (0, 5)
    assert (tmp_path / "transformer.safetensors").exists()
    assert all(isinstance(p, nn.Parameter) for p in stage.transformer.parameters())
