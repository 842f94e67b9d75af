"""Boxes of actors as a network sees them."""

import pytest
import torch

from skyloom.errors import InvalidArgument
from skyloom.models.boxes import cover, from_plan, plan_slots, to_plan
from skyloom.shapes import LatentSize, plan_channels


def test_a_box_covers_what_it_lies_on_rows_counted_from_the_top():
    boxes = torch.tensor([0.25, 0.0, 0.625, 0.5]).view(1, 1, 1, 4)
    found = cover(boxes, LatentSize(1, 4, 4))[0, 0, 0]
    expected = torch.zeros(4, 4)
    expected[2:, 1], expected[2:, 2] = 1.0, 0.5
    assert torch.equal(found, expected)


def test_later_cells_hold_the_mean_of_their_frames_and_no_box_covers_nothing():
    boxes = torch.full((1, 2, 5, 4), float("nan"))
    boxes[0, 0, :3] = torch.tensor([0.0, 0.0, 1.0, 1.0])
    found = cover(boxes, LatentSize(2, 2, 2))
    assert (found[0, 0, 0] == 1).all() and (found[0, 0, 1] == 0.5).all()
    assert not found[0, 1].any()


def test_the_area_inside_the_frame_is_kept_whatever_the_grid():
    generator = torch.Generator().manual_seed(0)
    low, size = torch.rand(64, 2, generator=generator) * 1.2 - 0.4, torch.rand(64, 2, generator=generator)
    boxes = torch.cat([low, low + size], dim=1)[None, :, None]
    inside = ((low + size).clamp(0, 1) - low.clamp(0, 1)).prod(1)
    for grid in (LatentSize(1, 4, 6), LatentSize(1, 16, 2)):
        torch.testing.assert_close(cover(boxes, grid).mean((3, 4))[0, :, 0], inside)


def test_frames_that_fill_no_group_are_refused():
    with pytest.raises(InvalidArgument, match="multiple of 2"):
        cover(torch.zeros(1, 1, 4, 4), LatentSize(3, 2, 2))


def test_a_plan_is_its_boxes_and_back():
    boxes = torch.rand(3, 2, 9, 4, generator=torch.Generator().manual_seed(1)) * 1.5 - 0.2
    boxes[1, 1] = float("nan")
    plan = to_plan(boxes, 4)
    assert plan.shape == (3, plan_channels(4), 3, 1, 2) and plan.isfinite().all()
    assert torch.allclose(from_plan(plan, 4), boxes, atol=1e-6, equal_nan=True)
    assert torch.equal(from_plan(to_plan(boxes[:, :, :1], 4), 4).isnan(), boxes[:, :, :1].isnan())
    assert (plan[1, 0, :, 0, 1] == -1).all() and (plan[:, 0, :, 0, 0] == 1).all()


def test_each_slot_covers_its_own_cell_of_a_plan():
    found = cover(plan_slots(2, 3, 9), LatentSize(3, 1, 3))
    torch.testing.assert_close(found, torch.eye(3)[None, :, None, None].expand(2, 3, 3, 1, 3))
