"""Windows: they cover the whole, remember what was made, and decode without seams."""

import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.pipelines import tasks
from skyloom.pipelines.canvas import PromptSpan
from skyloom.pipelines.engine import prepare
from skyloom.pipelines.windows import Window, anchored, memory_of, plan, remembering, spans_in, weave, window_seed

QUICK = {"num_inference_steps": 2, "guidance_scale": 1.0, "seed": 3}


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


@pytest.mark.parametrize(
    ("cells", "length", "memory"), [(5, 5, 2), (17, 5, 2), (18, 5, 2), (3, 5, 2), (10, 2, 1), (121, 9, 4)]
)
def test_windows_cover_every_cell_once(cells, length, memory):
    windows = plan(cells, length, memory)
    new = [cell for window in windows for cell in range(window.first + window.memory, window.end)]
    assert new == list(range(cells))
    assert all(window.end - window.first == min(length, cells) for window in windows)
    assert all(memory <= window.memory < length for window in windows[1:])


def test_nearly_half_is_remembered():
    assert [memory_of(length) for length in (2, 3, 5, 9, 17)] == [1, 1, 2, 4, 8]


def test_words_go_to_the_windows_they_are_for():
    spans = (PromptSpan("a", 0, 4), PromptSpan("b", 4, 8), PromptSpan("c", 8))
    assert spans_in(spans, Window(0, 0, 5, 0)) == (PromptSpan("a", 0, 4), PromptSpan("b", 4, None))
    assert spans_in(spans, Window(1, 3, 8, 2)) == (PromptSpan("a", 0, 1), PromptSpan("b", 1, None))
    assert spans_in(spans, Window(3, 9, 14, 2)) == (PromptSpan("c"),)
    assert spans_in(spans[:2], Window(3, 9, 14, 2)) == (PromptSpan("b"),)


def test_the_first_window_has_the_seed_itself():
    assert window_seed(7, 0) == 7 and len({window_seed(7, number) for number in range(9)}) == 9


def test_memory_is_pinned_over_what_a_task_pins(pipeline):
    canvas = tasks.text_to_video(pipeline.room(num_frames=17), "a")
    held = torch.randn(1, 8, 2, 4, 4)
    once = remembering(canvas, held)
    assert once.mask[0, 0, :, 0, 0].tolist() == [1, 1, 0, 0, 0] and torch.equal(once.known[:, :, :2], held)
    later = tasks.pinned(canvas, {1: torch.ones(1, 8, 2, 4, 4)})
    both = remembering(later, held)
    assert both.mask[0, 0, :, 0, 0].tolist() == [1, 1, 1, 0, 0] and (both.known[:, :, 2] == 1).all()
    assert torch.equal(both.known[:, :, :2], held) and later.mask[0, 0, 0, 0, 0] == 0


def test_windows_of_known_latents_decode_to_what_the_whole_would(pipeline):
    """Nothing is left to make, so the answer must be the decoder's own of all latents at once."""
    latents = torch.randn(1, 8, 9, 4, 4, generator=torch.Generator().manual_seed(0))
    job = prepare(pipeline, "a fox", QUICK, num_frames=33)

    def fill(window):
        room = job.lasting(1 + 4 * (window.end - window.first - 1)).room
        return tasks.pinned(tasks.text_to_video(room, "a fox"), {0: latents[:, :, window.first : window.end]})

    parts = list(weave(pipeline, fill, plan(9, 5, 2), job))
    assert [part.shape[2] for part in parts] == [17, 12, 4]
    torch.testing.assert_close(torch.cat(parts, dim=2), pipeline.decode(latents), atol=1e-4, rtol=0)


def test_a_window_goes_on_from_the_one_before(pipeline):
    job = prepare(pipeline, "a fox", QUICK, num_frames=17)
    asked, sample = [], pipeline.sample

    def recording(canvases, seeds, request, on_step=None):
        made = sample(canvases, seeds, request, on_step)
        asked.append((canvases[0], seeds[0], made))
        return made

    pipeline.sample = recording
    try:
        room = job.lasting(9).room
        parts = list(weave(pipeline, lambda window: tasks.text_to_video(room, "a fox"), plan(5, 3, 2), job))
    finally:
        del pipeline.sample
    frames = torch.cat(parts, dim=2)
    (first, seed, made), (second, other, _), _ = asked
    assert first.mask is None and (seed, other) == (3, window_seed(3, 1))
    assert second.mask[0, 0, :, 0, 0].tolist() == [1, 1, 0]
    assert torch.equal(second.known[:, :, 1], made[:, :, 2])
    torch.testing.assert_close(second.known[:, :, :1], pipeline.encode(frames[:, :, 4:5]))


def test_an_anchor_holds_means_and_leaves_what_is_known(pipeline):
    canvas = tasks.text_to_video(pipeline.room(num_frames=17), "a")
    latents = torch.randn(1, 8, 5, 4, 4, generator=torch.Generator().manual_seed(0)) + 1
    colours = torch.zeros(1, 8, 1, 1, 1)
    free = anchored(canvas, latents, colours, 1.0)
    torch.testing.assert_close(free.mean((2, 3, 4)), torch.zeros(1, 8), atol=1e-5, rtol=0)
    torch.testing.assert_close(anchored(canvas, latents, colours, 0.0), latents)
    held = anchored(remembering(canvas, latents[:, :, :2]), latents, colours, 0.5)
    assert torch.equal(held[:, :, :2], latents[:, :, :2])
    torch.testing.assert_close(held[:, :, 2:], (latents - 0.5 * latents.mean((2, 3, 4), keepdim=True))[:, :, 2:])
