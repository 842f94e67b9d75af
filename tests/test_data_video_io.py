"""Videos through files of every kind and back, and what is said when that cannot be."""

import json
import subprocess
import sys
from fractions import Fraction
from functools import partial

import av
import numpy as np
import pytest
from PIL import Image

from skyloom.data import video_io
from skyloom.data.video_io import (
    fit,
    read_image,
    read_metadata,
    read_video,
    resample,
    upscale,
)
from skyloom.errors import GenerationError, InvalidArgument, MediaError
from skyloom.video import Video

write_video = partial(video_io.write_video, provenance=None)  # pixels are compared: no mark
write_chunks = partial(video_io.write_chunks, provenance=None)
SETTINGS = {"prompt": 'a fox, 狐狸 "quoted" é', "seed": 2**40, "guidance_scale": 4.5, "nested": {"a": [1, None]}}
COLOURS = [(220, 40, 30), (30, 180, 60), (40, 60, 210), (240, 220, 40), (255, 255, 255), (0, 0, 0), (128, 128, 128)]


def clip(num_frames=17, height=64, width=112, fps=8.0):
    """Flat colour patches with a white square that moves 4 pixels a frame."""
    frames = np.zeros((num_frames, height, width, 3), np.uint8)
    for index, colour in enumerate(COLOURS):
        frames[:, :, index * width // 7 : (index + 1) * width // 7] = colour
    for index in range(num_frames):
        left = 4 * index % (width - 12)
        frames[index, height - 16 : height - 4, left : left + 12] = 255
    return Video(frames, fps, SETTINGS)


def psnr(first, second):
    error = (first.astype(float) - second.astype(float)) ** 2
    return 10 * np.log10(255**2 / max(error.mean(), 1e-9))


@pytest.mark.parametrize(
    ("name", "least"), [("a.mp4", 30), ("a.webm", 29), ("a.gif", 26), ("a.webp", 28), ("frames", 99)]
)
def test_round_trip_keeps_picture_rate_and_settings(tmp_path, name, least):
    video = clip()
    path = write_video(video, tmp_path / "made" / name)
    read = read_video(path)
    assert read.fps == 8.0 and read.frames.shape == video.frames.shape
    assert min(psnr(a, b) for a, b in zip(read.frames, video.frames, strict=True)) > least
    assert read.metadata == {**SETTINGS, "fps": 8.0} == read_metadata(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_flat_colours_keep_their_hue(tmp_path, name):
    for colour in COLOURS:
        frames = np.full((3, 32, 32, 3), colour, np.uint8)
        read = read_video(write_video(Video(frames, 8.0), tmp_path / name, quality=95))
        assert np.abs(read.frames.astype(int) - frames).max() <= 6, colour


def test_mp4_is_playable_h264_with_its_index_in_front(tmp_path):
    path = write_video(clip(), tmp_path / "a.mp4")
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.frames == 17 and stream.average_rate == 8
        assert stream.codec_context.colorspace == 1 and stream.codec_context.color_range == 1


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_odd_sizes_double_their_last_row_and_column(tmp_path, name):
    video = clip(3, 33, 47)
    read = read_video(write_video(video, tmp_path / name, quality=95))
    assert read.frames.shape == (3, 34, 48, 3)
    assert psnr(read.frames[:, :33, :47], video.frames) > 25
    assert np.abs(read.frames[:, 33].astype(int) - read.frames[:, 32]).mean() < 4


def test_higher_quality_is_larger_and_closer(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (5, 16, 16, 3), np.uint8).repeat(4, 1).repeat(4, 2)
    paths = [write_video(Video(noise, 8.0), tmp_path / f"{q}.mp4", quality=q) for q in (20, 60, 100)]
    sizes = [path.stat().st_size for path in paths]
    errors = [psnr(read_video(path).frames, noise) for path in paths]
    assert sizes == sorted(sizes) and errors == sorted(errors)


def test_webp_of_full_quality_and_png_are_lossless(tmp_path):
    video = clip(3)
    for name in ("a.webp", "b_%03d.png"):
        read = read_video(write_video(video, tmp_path / name, quality=100))
        assert np.array_equal(read.frames, video.frames)
    assert (tmp_path / "b_002.png").exists()


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.webm", "a.webp"])
@pytest.mark.parametrize("fps", [3.0, 10.0, 24.0, 30.0])
def test_rates_survive(tmp_path, name, fps):
    path = write_video(clip(31, 16, 28, fps), tmp_path / name, metadata={})
    assert len(read_video(path).frames) == 31
    stripped = read_video(path, fps=fps)
    assert len(stripped.frames) == 31 and stripped.seconds == pytest.approx(31 / fps)


def test_rate_is_measured_where_a_file_does_not_state_it(tmp_path):
    pictures = [Image.fromarray(frame) for frame in clip(16).frames]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=125)
    video = read_video(tmp_path / "a.webp")
    assert (video.fps, len(video.frames), video.metadata) == (8.0, 16, {})


def write_raw(path, frames, times, rotation=0, time_base=Fraction(1, 1000)):
    """Write frames at the given milliseconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.codec_context.time_base = time_base
        if rotation:
            stream.set_display_rotation(rotation)
        for frame, time in zip(frames, times, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = time, time_base
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def test_variable_rate_becomes_constant_at_the_right_times(tmp_path):
    greys = [20, 60, 100, 140, 180, 220]
    frames = [np.full((32, 32, 3), grey, np.uint8) for grey in greys]
    write_raw(tmp_path / "v.mp4", frames, [0, 100, 200, 600, 700, 800])
    video = read_video(tmp_path / "v.mp4")
    assert video.fps == 10.0
    shown = video.frames.mean((1, 2, 3))
    np.testing.assert_allclose(shown[:9], [20, 60, 100, 100, 100, 100, 140, 180, 220], atol=4)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_phone_is_turned_back(tmp_path, turn):
    frame = clip(1, 64, 112).frames[0]
    write_raw(tmp_path / "p.mp4", [np.ascontiguousarray(np.rot90(frame, -turn // 90))] * 3, [0, 40, 80], turn)
    read = read_video(tmp_path / "p.mp4")
    assert read.frames.shape[1:] == frame.shape
    assert psnr(read.frames[0], frame) > 26


def test_pictures_come_upright_and_on_white(tmp_path):
    frame = clip(1).frames[0]
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(frame))).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "turned.png").frames[0], frame)
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[..., 0], rgba[:2, :, 3], rgba[2, :, 3] = 200, 255, 51
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    read = read_image(tmp_path / "alpha.png").frames[0, :, 0]
    assert read.tolist() == [[200, 0, 0], [200, 0, 0], [244, 204, 204], [255, 255, 255]]


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK", "I;16"])
def test_every_kind_of_picture_is_read(tmp_path, mode):
    grey = np.linspace(0, 255, 32).astype(np.uint8)[None].repeat(8, 0)
    if mode == "I;16":
        picture = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(grey).convert("RGB" if mode == "CMYK" else "L").convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture.save(path)
    read = read_image(path)
    assert read.frames.shape == (1, 8, 32, 3)
    if mode != "1":
        assert np.abs(read.frames[0, :, :, 1].astype(int) - grey).max() <= 2


def test_a_span_is_read(tmp_path):
    video = clip(32)
    for name in ("a.mp4", "a.webp"):
        path = write_video(video, tmp_path / name)
        part = read_video(path, start=1.0, max_seconds=2.0)
        assert part.frames.shape == (16, 64, 112, 3)
        assert psnr(part.frames, video.frames[8:24]) > 28
        with pytest.raises(MediaError, match="no frame at 9 s"):
            read_video(path, start=9.0)


def test_an_image_is_the_first_frame(tmp_path):
    video = clip()
    path = write_video(video, tmp_path / "a.mp4")
    assert psnr(read_image(path).frames, video.frames[:1]) > 29
    assert read_image(path).metadata["seed"] == 2**40
    still = write_video(Video(video.frames[:1], 8.0, SETTINGS), tmp_path / "a.png")
    assert np.array_equal(read_video(still).frames, video.frames[:1])
    assert read_metadata(still)["prompt"] == SETTINGS["prompt"]


def test_other_programs_comments_are_no_settings(tmp_path):
    for comment in ("hello", json.dumps([1]), json.dumps({"skyloom": 3})):
        with av.open(str(tmp_path / "a.mp4"), "w") as container:
            container.metadata["comment"] = comment
            stream = container.add_stream("libx264", rate=8)
            stream.height, stream.width, stream.pix_fmt = 32, 32, "yuv420p"
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
            container.mux(stream.encode(None))
        assert read_metadata(tmp_path / "a.mp4") == {}


def test_fit_never_distorts():
    circle = np.hypot(*np.meshgrid(np.arange(96) - 47.5, np.arange(64) - 31.5)) < 20
    video = Video(np.repeat((circle * 255).astype(np.uint8)[None, ..., None], 3, -1), 8.0)
    for mode, height, width, radius in (("crop", 32, 32, 10), ("pad", 48, 48, 10), ("crop", 128, 96, 40)):
        bright = fit(video, height, width, mode).frames[0, :, :, 0] > 127
        assert bright.shape == (height, width)
        assert bright.any(0).sum() == pytest.approx(2 * radius, abs=1)
        assert bright.any(1).sum() == pytest.approx(2 * radius, abs=1)
        assert np.argwhere(bright).mean(0) == pytest.approx([height / 2 - 0.5, width / 2 - 0.5], abs=0.51)


def test_fit_crops_or_pads_what_it_says():
    frame = np.zeros((20, 40, 3), np.uint8)
    frame[:, :10], frame[:, 30:], frame[:, 10:30] = (255, 0, 0), (0, 0, 255), (0, 255, 0)
    video = Video(frame[None], 8.0)
    assert (fit(video, 20, 20).frames[0] == (0, 255, 0)).all()
    padded = fit(video, 40, 40, "pad").frames[0]
    assert (padded[:10] == 0).all() and (padded[30:] == 0).all() and np.array_equal(padded[10:30], frame)


def test_resample_holds_or_drops_frames():
    video = Video(np.arange(8, dtype=np.uint8)[:, None, None, None].repeat(3, 3), 8.0)
    assert resample(video, 16).frames[:, 0, 0, 0].tolist() == [i // 2 for i in range(16)]
    assert resample(video, 4).frames[:, 0, 0, 0].tolist() == [0, 2, 4, 6]
    assert resample(video, 6).frames[:, 0, 0, 0].tolist() == [0, 1, 2, 4, 5, 6]
    assert resample(video, 0.1).frames[:, 0, 0, 0].tolist() == [0]


def test_upscale_by_a_whole_factor():
    video = clip(2)
    assert upscale(video, 1) is video
    assert upscale(video, 3).frames.shape == (2, 192, 336, 3)
    assert psnr(upscale(video, 3).frames[:, 1::3, 1::3], video.frames) > 24


def truncated(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp", "a.png"])
def test_damaged_files_are_refused(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (33, 64, 64, 3), np.uint8)
    video = Video(noise[:1] if name == "a.png" else noise, 8.0)
    path = truncated(write_video(video, tmp_path / name))
    with pytest.raises(MediaError, match=f"cannot read .*{name}: "):
        read_video(path)
    path.write_bytes(b"")
    with pytest.raises(MediaError, match="the file is empty"):
        read_video(path)
    path.write_bytes(b"not a video at all" * 100)
    for read in (read_video, read_image, read_metadata):
        with pytest.raises(MediaError, match="not a video or picture"):
            read(path)
    path.unlink()
    with pytest.raises(MediaError, match="there is no such file"):
        read_video(path)


def test_sound_alone_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(MediaError, match="no video stream"):
        read_video(tmp_path / "a.wav")


def test_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("1", (100, 100)).save(tmp_path / "a.png")
    with pytest.raises(MediaError, match="more than 1000 pixels"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.avi", "nearest"), ("file/a.mp4", "not a folder"), ("folder.mp4", "is a folder"), ("a.png", "one picture")],
)
def test_bad_places_are_refused_and_nothing_is_left(tmp_path, name, message):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.mp4").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MediaError, match=message):
        write_video(clip(2), tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


def test_frames_never_mix_with_older_ones(tmp_path):
    write_video(clip(3), tmp_path / "frames")
    with pytest.raises(MediaError, match="there are frames already"):
        write_video(clip(2), tmp_path / "frames")
    write_video(clip(2), tmp_path / "frames" / "other_%02d.png")
    assert len(read_video(tmp_path / "frames" / "frame_%04d.png").frames) == 3


def test_a_gif_keeps_rare_colours(tmp_path):
    rows, columns = np.meshgrid(np.arange(96), np.arange(96), indexing="ij")
    frame = np.stack([rows + 40, columns + 100, 255 - rows - columns // 4], -1).astype(np.uint8)
    frame[80:86, 20:26], frame[10:13, 50:53] = (220, 40, 170), (250, 200, 30)
    read = read_video(write_video(Video(frame[None].repeat(3, 0), 8.0), tmp_path / "a.gif")).frames
    assert np.abs(read[:, 80:86, 20:26].astype(int) - frame[80:86, 20:26]).max() < 12
    assert np.abs(read[:, 10:13, 50:53].astype(int) - frame[10:13, 50:53]).max() < 12
    assert psnr(read, frame[None]) > 33


def test_too_fast_for_a_gif(tmp_path):
    with pytest.raises(MediaError, match="at most 50"):
        write_video(clip(fps=60), tmp_path / "a.gif")


def test_bad_arguments_are_refused(tmp_path):
    path = write_video(clip(2), tmp_path / "a.mp4")
    for call in (
        lambda: write_video(clip(2), path, quality=101),
        lambda: read_video(path, start=-1),
        lambda: read_video(path, fps=0),
        lambda: resample(clip(2), 0),
        lambda: fit(clip(2), 0, 8),
        lambda: fit(clip(2), 8, 8, "stretch"),
        lambda: upscale(clip(2), 0),
    ):
        with pytest.raises(InvalidArgument):
            call()


FULL = """
import resource, sys
sys.path.insert(0, {source!r})
import numpy as np
from skyloom.data.video_io import write_video
from skyloom.errors import MediaError
from skyloom.video import Video
noise = np.random.default_rng(0).integers(0, 255, (9, 64, 64, 3), np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
for name in ("a.mp4", "a.webm", "a.gif", "a.webp", "frames"):
    try:
        write_video(Video(noise, 8.0), {folder!r} + "/" + name)
    except MediaError as error:
        print(name, error)
"""


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    import skyloom

    source = str(next(iter(skyloom.__path__)) + "/..")
    code = FULL.format(source=source, folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["a.mp4", "a.webm", "a.gif", "a.webp", "frames"], done.stderr
    assert all("cannot write" in line for line in lines)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_play_lists_lead_nowhere(tmp_path):
    write_video(clip(3), tmp_path / "secret.mp4")
    for text in (
        f"ffconcat version 1.0\nfile {tmp_path}/secret.mp4\n",
        f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.mp4\n",
    ):
        (tmp_path / "list.mp4").write_text(text)
        with pytest.raises(MediaError, match="cannot read"):
            read_video(tmp_path / "list.mp4")


def test_repeated_frames_of_an_animation_are_kept(tmp_path):
    frames = clip(12).frames[[0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 7]]
    for name in ("a.gif", "a.webp"):
        read = read_video(write_video(Video(frames, 12.0), tmp_path / name, quality=100))
        assert np.array_equal(read.frames, frames)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp", "frames"])
def test_chunks_make_the_file_that_the_whole_makes(tmp_path, name):
    frames = np.random.default_rng(0).integers(0, 255, (9, 16, 24, 3), np.uint8)
    whole, parts = tmp_path / f"whole-{name}", tmp_path / f"parts-{name}"
    write_video(Video(frames, 8.0), whole)
    write_chunks((frames[a:b] for a, b in ((0, 1), (1, 5), (5, 9))), 8.0, parts)
    first, second = read_video(whole), read_video(parts)
    assert np.array_equal(first.frames, second.frames) and first.fps == second.fps


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "frames"])
def test_frames_that_fail_half_way_leave_nothing(tmp_path, name):
    def failing():
        yield np.zeros((4, 16, 16, 3), np.uint8)
        raise GenerationError("no video")

    with pytest.raises(GenerationError, match="no video"):
        write_chunks(failing(), 8.0, tmp_path / name)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_frames_are_encoded_while_later_ones_are_made(tmp_path):
    sizes = []

    def slow():
        for number in range(40):
            sizes.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
            yield np.random.default_rng(number).integers(0, 255, (8, 64, 64, 3), np.uint8)

    write_chunks(slow(), 8.0, tmp_path / "a.mp4")
    assert sizes[0] == 0 < sizes[-2]
