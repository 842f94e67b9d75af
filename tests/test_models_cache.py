"""Frame by frame with kept keys is the same as all at once, and reads nothing that it should not."""

import pytest
import torch

from pipeline_parts import randomised
from skyloom.config import SCALARS, TransformerConfig
from skyloom.errors import InvalidArgument
from skyloom.models.cache import Cache
from skyloom.models.causal import causal_velocity, frames_seen
from skyloom.models.transformer import Transformer, block_causal_mask
from skyloom.shapes import LatentSize

CONFIG = TransformerConfig(
    latent_channels=4, hidden_size=64, num_layers=3, num_heads=2, text_layers=1, box_slots=2, box_names=True
)
FRAME = LatentSize(1, 4, 6)


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return randomised(Transformer(CONFIG), 0, 0.1)


def clips(frames=6, seed=1):
    """Two clips with words of two lengths, boxes, names and scalars."""
    g = torch.Generator().manual_seed(seed)
    size = (frames, 4, 6)
    mask = torch.ones(2, 5, dtype=torch.bool)
    mask[1, 3:] = False
    told = {
        "prompt_embeds": torch.randn(2, 5, 768, generator=g), "prompt_mask": mask,
        "names": torch.randn(2, 2, 768, generator=g), "scalars": torch.rand(2, len(SCALARS), generator=g),
    }
    made = {"noisy": torch.randn(2, 4, *size, generator=g), "history": torch.randn(2, 4, *size, generator=g)}
    return {**told, **made, "sigma": torch.rand(2, generator=g), "boxes": torch.rand(2, 2, *size, generator=g)}


def one_by_one(network, given, span, frames=6):
    """The velocity of every noisy frame, asked for when the frames before it are finished."""
    told = {name: given[name] for name in ("prompt_embeds", "prompt_mask", "scalars", "names")}
    cache, found, held = Cache(network, FRAME, span=span, **told), [], []
    with torch.no_grad():
        for frame in range(frames):
            boxes = given["boxes"][:, :, frame : frame + 1]
            found.append(cache.velocity(given["noisy"][:, :, frame : frame + 1], given["sigma"], boxes=boxes))
            cache.remember(given["history"][:, :, frame : frame + 1], boxes=boxes)
            held.append(cache.numbers)
    return torch.cat(found, dim=2), held


@pytest.mark.parametrize("span", [2, 3, 4, 6, 9])
def test_frame_by_frame_equals_all_at_once(network, span):
    given = clips()
    with torch.no_grad():
        whole = causal_velocity(network, span=span, **given)
    torch.testing.assert_close(one_by_one(network, given, span)[0], whole, rtol=1e-4, atol=1e-4)


def test_with_all_frames_read_it_is_the_transformer_under_the_block_causal_mask(network):
    """Frames that are all finished are one pass of the network itself with what it knows at level 0."""
    given = clips()
    told = {name: given[name] for name in ("prompt_embeds", "prompt_mask", "scalars", "names", "boxes")}
    words = given["prompt_embeds"].shape[1]
    cache = Cache(network, FRAME, span=6, **{name: told[name] for name in told if name != "boxes"})
    with torch.no_grad():
        whole = network(
            given["history"], torch.zeros(2), known=torch.ones(2, 1, 6, 4, 6),
            attention_mask=block_causal_mask(LatentSize(6, 2, 3), words), **told,
        )  # fmt: skip
        parts = []
        for frame in range(6):
            part, boxes = given["history"][:, :, frame : frame + 1], given["boxes"][:, :, frame : frame + 1]
            x, levels, _ = cache._run(part, torch.zeros(2), boxes, known=True)
            parts.append((x, levels))
            cache.remember(part, boxes=boxes)
        found = torch.cat([network.answer(x, levels, cache.grid) for x, levels in parts], dim=2)
    torch.testing.assert_close(found, whole, rtol=1e-4, atol=1e-4)


def test_who_reads_whom():
    """Five frames, three read: the first, the one before, itself; frames 3 and 4 keep the first at a distance of 2."""
    by_distance, seen = (part.int() for part in frames_seen(5, 3))
    assert by_distance[5:].argmax(1).tolist() == [0, 0, 0, 1, 2] and torch.equal(by_distance[:5], by_distance[5:])
    history, noisy = seen[5:].split([5, 5], dim=1)
    assert history.tolist() == [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]
    assert torch.equal(noisy, torch.eye(5, dtype=torch.int32))
    assert torch.equal(seen[:5, :5], history + noisy) and not seen[:5, 5:].any()


def test_a_frame_hears_the_first_and_the_last_ones_alone(network):
    given = clips()
    plain = one_by_one(network, given, 3)[0][:, :, 5]

    def changed(frame):
        other = {**given, "history": given["history"].clone()}
        other["history"][:, :, frame] += 1
        return float((one_by_one(network, other, 3)[0][:, :, 5] - plain).abs().max())

    assert changed(0) > 1e-3 and changed(4) > 1e-3 and changed(5) == 0
    cut = {**given, "history": given["history"].clone()}
    cut["history"][:, :, 1] += 1  # heard by frames 2 and 3 only through the frame after it
    keys = one_by_one(network, cut, 3)[0]
    assert float((keys[:, :, 1] - one_by_one(network, given, 3)[0][:, :, 1]).abs().max()) == 0


def test_memory_stops_growing(network):
    _, held = one_by_one(network, clips(frames=12), 4, frames=12)
    assert held[2] == 3 * held[0] and held[2:] == [held[2]] * 10


def test_a_row_alone_is_the_row_of_the_batch(network):
    given = clips()
    told = {name: given[name] for name in ("prompt_embeds", "prompt_mask", "scalars", "names")}
    cache = Cache(network, FRAME, span=3, **told)
    noisy, boxes = given["noisy"][:, :, :1], given["boxes"][:, :, :1]
    with torch.no_grad():
        cache.remember(given["history"][:, :, :1], boxes=boxes)
        both = cache.velocity(noisy, given["sigma"], boxes=boxes)
        alone = cache.velocity(noisy[1:], given["sigma"][1:], boxes=boxes[1:], rows=torch.tensor([1]))
    torch.testing.assert_close(alone, both[1:], rtol=1e-4, atol=1e-4)


def test_a_span_must_hold_two(network):
    given = clips()
    with pytest.raises(InvalidArgument, match="span must be at least 2"):
        Cache(network, FRAME, given["prompt_embeds"], given["prompt_mask"], span=1)
