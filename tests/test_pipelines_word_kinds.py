"""Kinds of words chosen together: against all paths, tried one by one."""

from itertools import pairwise, product

import pytest
import torch

from skyloom.pipelines.word_kinds import SILENT, TURN, most_probable


def by_hand(scores, joined, motion):
    def value(path):
        told = sum(float(scores[row, kind]) for row, kind in enumerate(path))
        turns = sum(TURN for (a, b), follows in zip(pairwise(path), joined, strict=True) if follows and a != b)
        return told - turns - (motion not in path) * SILENT

    return list(max(product(range(scores.shape[1]), repeat=len(scores)), key=value))


@pytest.mark.parametrize("seed", range(8))
def test_it_finds_the_best_of_all_paths(seed):
    generator = torch.Generator().manual_seed(seed)
    scores = (3 * torch.randn(5, 4, generator=generator)).log_softmax(-1)
    joined = torch.rand(4, generator=generator).gt(0.3).tolist()
    assert most_probable(scores, joined, 2) == by_hand(scores, joined, 2)


def test_some_word_is_a_motion_unless_none_is_like_one():
    likely = torch.tensor([[0.9, 0.09, 0.01], [0.9, 0.05, 0.05]]).log()
    assert most_probable(likely, [False], 2) == [0, 2]
    unlikely = torch.tensor([[0.9, 0.0999, 0.0001], [0.9, 0.0999, 0.0001]]).log()
    assert most_probable(unlikely, [False], 2) == [0, 0]


def test_a_word_that_only_links_says_no_motion():
    scores = torch.tensor([[0.5, 0.4, 0.1], [0.1, 0.1, 0.8]]).log()
    assert most_probable(scores, [False], 2, telling=[True, True]) == [0, 2]
    assert most_probable(scores, [False], 2, telling=[True, False]) == [2, 2]
