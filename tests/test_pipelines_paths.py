"""Drawn paths: read from text, and followed."""

from dataclasses import replace

import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.errors import InvalidArgument
from skyloom.pipelines.paths import SIDE, along, check_path, drawn, parse_path, sizes_of
from skyloom.pipelines.tasks import text_to_video


def centres(boxes):
    return torch.stack([(boxes[..., 0] + boxes[..., 2]) / 2, 1 - (boxes[..., 1] + boxes[..., 3]) / 2], dim=-1)


def test_points_with_and_without_seconds():
    assert parse_path("0:0.2,0.7 1.5:0.8,0.1", 9.0) == [(0.0, 0.2, 0.7), (1.5, 0.8, 0.1)]
    assert parse_path("0,0; 0.5,1; 1,0", 2.0) == [(0.0, 0.0, 0.0), (1.0, 0.5, 1.0), (2.0, 1.0, 0.0)]
    assert parse_path("0.5,0.5", 2.0) == [(0.0, 0.5, 0.5)]


@pytest.mark.parametrize("text", ["", "0.5", "a,b", "0:0.1,0.2 0.5,0.5", "1:0,0 1:1,1", "2:0,0 1:1,1", "0:nan,1"])
def test_texts_that_are_no_path_are_refused(text):
    with pytest.raises(InvalidArgument, match="path"):
        parse_path(text, 2.0)
    with pytest.raises(InvalidArgument, match="path"):
        check_path([(0.0, 1.0)])


def test_an_actor_is_on_its_path_and_stands_before_and_after():
    paths = [[(1.0, 0.2, 0.4), (2.0, 0.6, 0.8)]]
    boxes = along(paths, torch.tensor([[0.2, 0.4]]), fps=4.0, first=2, count=9)
    wanted = [0.2, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6, 0.6]
    torch.testing.assert_close(centres(boxes)[0, 0, :, 0], torch.tensor(wanted))
    torch.testing.assert_close(centres(boxes)[0, 0, :, 1], torch.tensor(wanted) + 0.2)
    torch.testing.assert_close(boxes[..., 2:] - boxes[..., :2], torch.tensor([0.2, 0.4]).expand(1, 1, 9, 2))


def test_sizes_are_those_of_the_plan():
    planned = torch.tensor([[0.0, 0.0, 0.2, 0.6], [float("nan")] * 4]).view(1, 2, 1, 4).expand(1, 2, 5, 4)
    sizes = sizes_of(planned, 2, aspect=2.0)
    torch.testing.assert_close(sizes, torch.tensor([[0.2, 0.6], [SIDE / 2, SIDE]]))
    torch.testing.assert_close(sizes_of(None, 1, 1.0), torch.tensor([[SIDE, SIDE]]))


def test_the_actors_that_are_not_drawn_keep_their_plan():
    pipeline = toy_pipeline()
    canvas = text_to_video(pipeline.room(), "a cat")
    planned = torch.rand(1, 2, 5, 4)
    boxes = drawn(canvas, [[(0.0, 0.5, 0.5)]], planned, 8.0, 0, 4).boxes
    assert boxes.shape == (1, 2, 5, 4) and torch.equal(boxes[:, 1], planned[:, 1])
    torch.testing.assert_close(centres(boxes)[0, 0], torch.full((5, 2), 0.5))


def test_a_drawn_path_changes_the_film_window_after_window():
    pipeline = toy_pipeline()
    asked = {"seed": 3, "num_inference_steps": 2, "num_frames": 9}
    free = pipeline.generate("a cat", **asked)
    there = pipeline.generate("a cat", paths=[[(0.0, 0.2, 0.5), (1.0, 0.8, 0.5)]], **asked)
    late = pipeline.generate("a cat", paths=[[(0.0, 0.2, 0.5), (0.6, 0.2, 0.5), (1.0, 0.8, 0.5)]], **asked)
    assert (free.frames != there.frames).any()
    assert (there.frames[5:] != late.frames[5:]).any()
    assert there.metadata["paths"] == [[[0.0, 0.2, 0.5], [1.0, 0.8, 0.5]]]
    with pytest.raises(InvalidArgument, match="at most 2"):
        pipeline.generate("a cat", paths=[[(0.0, 0.2, 0.5)]] * 3, **asked)
    assert replace(pipeline.request(), plan=False).plan is False
