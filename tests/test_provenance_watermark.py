"""The invisible mark: found after harm, read back, never seen, never where it is not."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from skyloom.errors import InvalidArgument
from skyloom.provenance import watermark
from skyloom.provenance.phases import at, drawn, evened, pattern, spectrum
from skyloom.provenance.watermark import THRESHOLD, detect, embed, is_ours, payload_of


def scene(frames=12, height=256, width=256, seed=0):
    """Smooth hills, and a bright disc that crosses them."""
    random = np.random.default_rng(seed)
    rough = random.integers(0, 255, (12, 12, 3), np.uint8)
    ground = np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))
    down, across = np.mgrid[:height, :width]
    clip = np.repeat(ground[None], frames, 0)
    for index in range(frames):
        centre = width * (index + 1) / (frames + 1)
        clip[index][np.hypot(down - height / 2, across - centre) < height / 8] = 240, 200, 40
    return clip


def h264(frames, crf):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": str(crf)})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def scaled(frames, factor):
    size = (round(frames.shape[2] * factor), round(frames.shape[1] * factor))
    return np.stack([np.asarray(Image.fromarray(frame).resize(size)) for frame in frames])


HARMS = {
    "none": lambda f: f,
    "h264": lambda f: h264(f, 28),
    "scaled": lambda f: h264(scaled(f, 0.75), 28),
    "enlarged": lambda f: scaled(f, 1.5),
    "cropped": lambda f: h264(f[:, 17:247, 5:235], 28),
    "cut": lambda f: h264(f[2:10], 28),
    "mirrored": lambda f: f[:, :, ::-1],
    "brighter": lambda f: np.clip(f * 0.8 + 30, 0, 255).astype(np.uint8),
    "all": lambda f: h264(scaled(f[2:10, 17:247, 5:235], 0.75)[:, :172, :172], 28),
}


@pytest.fixture(scope="module")
def marked():
    return embed(scene(), 0x53ABCDEF)


@pytest.mark.parametrize("harm", HARMS)
def test_it_is_read_after_harm(marked, harm):
    found = detect(HARMS[harm](marked))
    assert found.found and found.payload == 0x53ABCDEF
    assert found.mirrored == (harm == "mirrored")


def test_the_scale_that_is_found_is_the_crops(marked):
    assert detect(marked).scale == pytest.approx(1.0, abs=0.01)
    assert detect(marked[:, 13:243, 13:243]).scale == pytest.approx(256 / 230, abs=0.01)


def test_it_is_not_seen(marked):
    error = marked.astype(float) - scene()
    assert 10 * np.log10(255**2 / np.mean(error**2)) >= 40
    assert np.abs(error).max() <= 16
    assert np.ptp(error[0], axis=-1).max() <= 1 + np.abs(error[0][(scene()[0] < 16) | (scene()[0] > 239)]).max()


def test_no_alarm_without_the_mark_or_with_another_key(marked):
    for seed in range(4):
        assert not detect(scene(1, 96, 128, seed)).found
    assert not detect(np.random.default_rng(0).integers(0, 255, (2, 96, 96, 3), np.uint8)).found
    assert not detect(np.zeros((1, 64, 64, 3), np.uint8)).found
    assert not detect(marked, b"another key").found


def test_the_threshold_is_the_bound_it_says():
    """Sums of cosines of uniform angles stay below exp(-z^2); all tries together below 1e-6."""
    cosines = np.cos(np.random.default_rng(0).uniform(0, 2 * np.pi, (200_000, 30))).sum(1) / np.sqrt(30)
    for z in (0.5, 1.0, 1.5, 2.0):
        assert (cosines > z).mean() <= np.exp(-(z**2))
    assert watermark.TRIES * np.exp(-(THRESHOLD**2)) == pytest.approx(1e-6)


def test_spectrum_and_drawn_are_inverse():
    chosen = pattern()
    random = np.random.default_rng(0)
    amplitudes = random.normal(size=len(chosen)) + 1j * random.normal(size=len(chosen))
    picture = drawn(chosen.frequencies, amplitudes, 128, 192, 64)
    back = at(chosen.frequencies, spectrum(picture, 64)) / (picture.size / 2)
    np.testing.assert_allclose(back, amplitudes, atol=1e-4)


def test_evened_takes_out_level_and_contrast():
    luma = np.random.default_rng(0).normal(128, 40, (64, 64)).astype(np.float32)
    detail, strength = evened(luma)
    np.testing.assert_allclose(evened(luma + 50)[0], detail, atol=1e-4)
    assert 0.5 < np.sqrt(np.mean(detail**2)) < 1.2 and strength.min() > 6


def test_chunks_and_frames_are_marked_alike():
    clip = scene(61, 64, 64)
    whole = embed(clip, 5)
    parts = np.concatenate(list(watermark.marked((clip[a:b] for a, b in ((0, 1), (1, 30), (30, 61))), 5)))
    assert np.array_equal(whole, parts)
    layers = (whole.astype(int) - clip)[:, (clip > 16).all((0, 3)) & (clip < 239).all((0, 3))]
    assert np.abs(np.diff(layers, axis=0)).max() <= np.abs(layers[23] - layers[60]).max() / 3  # slowly
    assert len(embed(clip[:1], 5)) == 1


def test_what_it_carries():
    payload = payload_of("ab" * 32, 7)
    assert is_ours(payload) and payload < 2**31
    assert payload != payload_of("ab" * 32, 8) and payload != payload_of("ac" * 32, 7)
    assert payload_of(None, None) == payload_of(None, None)
    assert not is_ours(5)


def test_bad_arguments_are_refused():
    with pytest.raises(InvalidArgument, match="strength"):
        embed(scene(1, 64, 64), 5, strength=0)
    with pytest.raises(InvalidArgument, match="number"):
        embed(scene(1, 64, 64), 2**33)
