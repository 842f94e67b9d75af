"""Real captioned clips, here rendered ones, as the transformer's training data."""

import pytest
import torch
import typer
from safetensors.torch import load_file
from typer.testing import CliRunner

from skyloom.cli.train import train_autoencoder, train_transformer
from skyloom.config import ClipConfig, WorldConfig
from skyloom.data.video_io import write_video
from skyloom.errors import InvalidArgument
from skyloom.training.folder import FolderSource
from skyloom.video import Video
from skyloom.world.stream import World

CLIP = ClipConfig(num_frames=5, height=16, width=16, fps=8.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("videos")
    pixels = World(WorldConfig()).batch(torch.arange(6), CLIP).pixels
    for number in range(6):
        write_video(Video.from_pixels(pixels[number], 8.0), place / f"{number}.mp4")
        if number:
            words = [f"clip {number}", f"video {number}"][: 1 + number % 2]
            (place / f"{number}.txt").write_text("\n".join(words) + "\n")
    return place, pixels


def test_clips_come_with_their_lines_and_their_rate(folder):
    source = FolderSource(folder[0], CLIP)
    clips = source.captioned(torch.tensor([0, 3, 8, 9]), 2, 0)
    assert clips.captions[0] == ["", ""] and clips.captions[2] == ["clip 2", "clip 2"]
    assert sorted(clips.captions[1]) == sorted(clips.captions[3]) == ["clip 3", "video 3"]
    assert torch.equal(clips.pixels[1], clips.pixels[3])
    assert (clips.pixels[[0, 1]] - folder[1][[0, 3]]).abs().mean() < 0.15
    assert (clips.scalars[:, 0] == 0).all() and clips.scalars[:, 1:].isnan().all()
    assert clips.before is None and not list(clips.instructions)
    firsts = {source.captioned(torch.tensor([3 + 6 * k]), 1, 0).captions[0][0] for k in range(12)}
    assert firsts == {"clip 3", "video 3"}
    with pytest.raises(InvalidArgument, match="edits"):
        source.captioned(torch.arange(2), 1, 1)


@pytest.mark.parametrize("cached", [6, "null"])
def test_a_transformer_trains_on_a_folder(folder, tmp_path, cached):
    app = typer.Typer()
    app.command("autoencoder")(train_autoencoder)
    app.command("transformer")(train_transformer)
    size = ["--set", "clip.height=16", "--set", "clip.width=16", "--device", "cpu", "--folder", str(folder[0])]
    made = CliRunner().invoke(app, ["autoencoder", "tiny", str(tmp_path / "ae"), *size, "--steps", "1"])
    assert made.exit_code == 0, made.output
    options = [
        "transformer", "tiny", str(tmp_path / "run"), *size, "--steps", "4", "--set", f"cached_clips={cached}",
        "--set", "transformer_training.batch_size=2", "--autoencoder", str(tmp_path / "ae" / "autoencoder.safetensors"),
    ]  # fmt: skip
    for share in ("0.5", "1.0"):
        done = CliRunner().invoke(app, [*options, "--share", share])
        assert done.exit_code == 0, (done.output, done.exception)
        last = max(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
        assert int(last) == int(4 * float(share))
    assert load_file(tmp_path / "run" / "transformer.safetensors")
