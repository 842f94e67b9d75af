"""Steps made early are the steps that would have been made late."""

import dataclasses
import threading

import pytest
import torch

from skyloom.training.ahead import Ahead, InOrder, tensors_in


@dataclasses.dataclass(frozen=True)
class Pair:
    left: torch.Tensor
    rest: tuple


def squared(step):
    return torch.tensor([step, step**2])


def test_worker_processes_change_nothing_whatever_the_order():
    alone, ahead = InOrder(squared, 9), InOrder(squared, 9, workers=1)
    for step in (3, 4, 5, 6, 1, 2):
        assert torch.equal(alone.at(step), ahead.at(step)), step


def test_the_thread_works_one_step_ahead_and_never_past_the_end():
    asked, threads = [], set()

    def make(step):
        asked.append(step)
        threads.add(threading.get_ident())
        return squared(step)

    ahead = Ahead(make, 4, "cpu", threaded=True)
    assert [ahead.at(step)[1].item() for step in (0, 0, 1, 2, 3)] == [0, 0, 1, 4, 9]
    assert asked == [0, 1, 2, 3]
    assert threads != {threading.get_ident()} and len(threads) == 1
    assert ahead.at(1)[1] == 1


def test_without_a_gpu_steps_are_made_when_asked_for():
    asked = []
    ahead = Ahead(lambda step: asked.append(step), 4, "cpu")
    ahead.at(2)
    assert asked == [2]


def test_an_error_of_the_thread_is_raised_where_the_step_is_asked_for():
    ahead = Ahead(lambda step: 1 // step, 3, "cpu", threaded=True)
    with pytest.raises(ZeroDivisionError):
        ahead.at(0)
    assert ahead.at(1) == 1


def test_all_tensors_of_a_step_are_found():
    a, b, c = torch.zeros(1), torch.ones(1), torch.full((1,), 2.0)
    found = list(tensors_in((Pair(a, (b, "text", [Pair(c, ())])), None)))
    assert [t.item() for t in found] == [0.0, 1.0, 2.0]
