"""Moving digits: they bounce, they add up, tests use digits of their own."""

import pytest
import torch

from skyloom.data.moving_mnist import as_pixels, bounced, digits, frame_error, moving_digits
from skyloom.evaluation.moving_mnist_suite import DigitsAsked, digits_tables, lines, run
from skyloom.evaluation.samples import SampleLog


def test_all_digits_are_there():
    pictures, names = digits()
    assert pictures.shape == (10_000, 28, 28)
    assert (torch.bincount(names) > 800).all()
    assert pictures.max() == 255 and pictures.float().mean() > 20


def test_a_point_bounces_off_both_walls():
    assert bounced(torch.tensor([1.0]), torch.tensor([2.0]), 8, 6.0)[0].tolist() == [1, 3, 5, 5, 3, 1, 1, 3]


def test_clips_are_the_same_in_any_batch_and_keep_all_ink():
    clips = moving_digits(torch.arange(6), "test")
    assert torch.equal(clips[[4]], moving_digits(torch.tensor([4]), "test"))
    ink = clips.double().sum((-2, -1))
    assert (ink.amax(1) / ink.amin(1) < 1.35).all()
    assert not torch.equal(clips, moving_digits(torch.arange(6), "train"))


def test_the_error_is_summed_over_a_frame():
    true = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    made = true.clone()
    made[0, 1, :2, :3] = 255
    assert frame_error(made, true).item() == pytest.approx(6 / 3)


def test_lines_and_a_perfect_continuation(tmp_path):
    plan = DigitsAsked(count=4, batch_size=2, samples=2)

    def knows(given, seeds):
        first = int(torch.tensor([torch.equal(as_pixels(moving_digits(torch.tensor([n]), "test")[:, :10]), given[:1])
                                  for n in range(4)]).int().argmax())  # fmt: skip
        return as_pixels(moving_digits(torch.arange(first, first + len(given)), "test")[:, 10:])

    samples = run(plan, knows, SampleLog(tmp_path / "moving-mnist.jsonl", {}), tmp_path, lambda count: None)
    assert all(s["errors"]["checkpoint"] < 1e-6 for s in samples)
    assert all(s["errors"]["last frame repeated"] > 50 for s in samples)
    assert (tmp_path / "strips" / "moving-mnist" / "clip-3.webp").exists()
    tables, numbers = digits_tables(samples, 0)
    assert numbers["checkpoint"]["mean"] < 1e-6 and tables[0].rows[-1][1] == "22.1"
    assert lines(moving_digits(torch.arange(1))[:, :10])["black"].sum() == 0
