"""The command as a person uses it: every flag, every error in one line, help that is instant."""

import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

import skyloom
from pipeline_parts import toy_networks, toy_pipeline
from skyloom import cli
from skyloom.cli import options
from skyloom.data.video_io import read_metadata, read_video
from skyloom.pipelines import loading
from skyloom.pipelines.checkpoint import SamplingConfig, load_checkpoint, save_checkpoint
from skyloom.presets import TINY

STAMPS = {
    "--sign", "--no-sign", "--mark", "--no-mark", "--visible-mark", "--no-visible-mark", "--reword", "--no-reword",
}  # fmt: skip
FLAGS = {
    "generate": {
        "--seconds", "--frames", "--size", "--fps", "--seed", "--steps", "--guidance", "--negative-prompt", "--style",
        "--expand", "--no-expand", "--checkpoint", "--output", "-o", "--scale", "--quality", "--from", "--camera",
        "--motion", "--pan", "--tilt", "--zoom", "--expand-url", "--expand-model", "--plan", "--no-plan", "--path",
        "--stream", "--no-stream",
    },
    "image": {
        "--size", "--seed", "--steps", "--guidance", "--negative-prompt", "--style", "--expand", "--no-expand",
        "--checkpoint", "--output", "-o", "--scale", "--from", "--plan", "--no-plan",
    },
    "info": set(),
}  # fmt: skip


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """Answer every checkpoint name with toy networks; run in an empty folder."""
    made, asked = toy_pipeline(), []

    def load(name=None):
        asked.append(name)
        return made

    monkeypatch.setattr(loading, "load", load)
    monkeypatch.chdir(tmp_path)
    made.asked = asked
    return made


def run(*arguments):
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(cli.app, words, prog_name="skyloom", env={"COLUMNS": "160"})


def ok(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def flags_of(name):
    command = cli.load_command(name)
    return {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)
            if flag.startswith("-")} - {"--help"}  # fmt: skip


@pytest.mark.parametrize("name", FLAGS)
def test_flags_are_these(name):
    assert flags_of(name) == FLAGS[name] | (STAMPS if FLAGS[name] else set())
    assert "Example" in run(name, "--help").output


def test_the_names_in_help_are_the_table():
    output = ok("--help").output
    assert all(name in output and line in output for name, (_, line) in cli.COMMANDS.items())


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_of_the_table_has_help(name):
    output = ok(name, "--help").output
    assert "Usage: skyloom" in output and name in output


@pytest.mark.parametrize("name", cli.TRAIN)
def test_every_stage_of_training_has_help(name):
    assert name in ok("train", "--help").output
    output = ok("train", name, "--help").output
    assert "--set" in output or "--seed" in output or "--share" in output


def test_help_needs_no_network_library():
    code = (
        "import sys, skyloom.cli; sys.argv = ['skyloom', '--help']\ntry: skyloom.cli.main()\nexcept SystemExit: pass\n"
    )
    code += "assert not {'torch', 'numpy', 'av', 'PIL'} & set(sys.modules), 'heavy'"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - began < 5  # about 0.4 s on a free machine


def test_public_names_are_few_and_lazy():
    assert len(skyloom.__all__) <= 12
    for name in skyloom.__all__:
        assert getattr(skyloom, name).__module__.startswith("skyloom.") and name in dir(skyloom)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = skyloom.nothing


def test_generate_writes_a_video_and_says_so(toy, tmp_path):
    result = ok("generate", "A fox runs, quickly!", "--seed", 5, "--steps", 2)
    path = tmp_path / "out" / "a-fox-runs-quickly-5.mp4"
    assert read_video(path).frames.shape == (5, 256, 256, 3)
    assert "5 frames, 0.6 s of 32 x 32, enlarged 8 times to 256 x 256, seed 5" in result.stdout
    settings = read_metadata(path)
    assert (settings["width"], settings["height"], settings["scale"], settings["seed"]) == (32, 32, 8, 5)


def test_a_stream_says_when_its_first_frame_was_there(toy, tmp_path):
    refused = run("generate", "a fox", "--stream", "--seed", 5, "--steps", 2)
    assert refused.exit_code == 2 and "cannot stream" in refused.stderr
    toy._causal = lambda: toy.transformer
    vars(toy).pop("causal", None)
    result = ok("generate", "a fox", "--stream", "--seed", 5, "--steps", 2, "--frames", 9, "--scale", 1, "-o", "a.webp",
                "--quality", 100, "--no-mark")  # fmt: skip
    assert "first frame after" in result.stderr
    twin = toy.stream("a fox", num_frames=9, seed=5, num_inference_steps=2).video()
    assert np.array_equal(read_video(tmp_path / "a.webp").frames, twin.frames)
    ok("generate", "--from", "a.webp", "-o", "b.webp", "--quality", 100, "--scale", 1, "--no-mark")
    assert np.array_equal(read_video(tmp_path / "b.webp").frames, twin.frames)


def test_every_flag_of_generate_counts(toy, tmp_path):
    ok(
        "generate", "a fox", "--frames", 9, "--size", "48x32", "--fps", 10, "--seed", 1, "--steps", 3,
        "--guidance", 2.5, "--negative-prompt", "a cat", "--style", "charcoal", "--expand",
        "--checkpoint", "tiny", "-o", "b.webp", "--scale", 1, "--quality", 100, "--no-mark",
        "--path", "0:0.2,0.5 1:0.8,0.5", "--no-plan", "--no-mark",
    )  # fmt: skip
    made = read_video(tmp_path / "b.webp")
    twin = toy.generate(
        "a fox", num_frames=9, width=48, height=32, fps=10, seed=1, num_inference_steps=3, guidance_scale=2.5,
        negative_prompt="a cat", style="charcoal", expand=True, paths=[[(0, 0.2, 0.5), (1, 0.8, 0.5)]], plan=False,
    )  # fmt: skip
    assert np.array_equal(made.frames, twin.frames) and made.fps == 10
    assert made.metadata == {**twin.metadata, "scale": 1}
    assert toy.asked == ["tiny"]


def test_length_in_seconds(toy, tmp_path):
    ok("generate", "a fox", "--seconds", 1.2, "--steps", 1, "--output", "a.gif", "--scale", 1)
    assert read_video(tmp_path / "a.gif").size.num_frames == 9


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp", "frames", "f_%03d.png"])
def test_the_ending_chooses_the_format(toy, tmp_path, name):
    ok("generate", "a fox", "--seed", 1, "--steps", 1, "-o", name, "--scale", 2)
    assert read_video(tmp_path / name).frames.shape == (5, 64, 64, 3)


def test_image_writes_a_picture(toy, tmp_path):
    result = ok("image", "a fox", "--seed", 2, "--steps", 2, "--size", "32x48", "--scale", 1, "--guidance", 1.5,
                "--negative-prompt", "cat", "--style", "cartoon", "--no-expand", "--no-mark")  # fmt: skip
    made = read_video(tmp_path / "out" / "a-fox-2.png")
    twin = toy.image("a fox", seed=2, num_inference_steps=2, width=32, height=48, guidance_scale=1.5,
                     negative_prompt="cat", style="cartoon")  # fmt: skip
    assert np.array_equal(made.frames, twin.frames)
    assert "picture of 32 x 48, seed 2" in result.stdout


def test_a_file_is_made_again_from_itself(toy, tmp_path):
    ok("generate", "a fox", "--steps", 2, "--size", "48x32", "--fps", 12, "--style", "cartoon", "-o", "a.webp",
       "--scale", 1, "--quality", 100, "--negative-prompt", "a cat", "--guidance", 3, "--expand",
       "--frames", 9)  # fmt: skip
    ok("generate", "--from", "a.webp", "-o", "b.webp", "--scale", 1, "--quality", 100)
    first, second = read_video(tmp_path / "a.webp"), read_video(tmp_path / "b.webp")
    assert np.array_equal(first.frames, second.frames) and first.metadata == second.metadata
    ok("generate", "--from", "a.webp", "-o", "c.webp", "--seconds", 0.6, "--seed", 9, "--scale", 1)
    changed = read_video(tmp_path / "c.webp")
    assert (changed.size.num_frames, changed.metadata["seed"], changed.metadata["style"]) == (9, 9, "cartoon")
    toy.sha256 = "1" * 64
    result = ok("generate", "--from", "a.webp", "-o", "d.webp")
    assert "was made by other weights" in result.stderr


def test_what_is_told_and_warned_is_shown(toy):
    result = ok("generate", "a fox and a xylograph", "--expand", "--steps", 1, "-o", "a.gif")
    assert "told: a fox and a xylograph, in clear weather. The style is 3d render" in result.stderr
    assert "note: not among the words of training" in result.stderr and "xylograph" in result.stderr


def test_nothing_is_written_when_the_answer_is_no_video(toy, tmp_path):
    with torch.no_grad():
        toy.transformer.out.weight.fill_(float("nan"))
    result = run("generate", "a fox", "--steps", 1)
    assert result.exit_code == 2 and "error: the network's answer is not finite" in result.stderr
    assert list(tmp_path.iterdir()) == []


BAD = [
    (["generate"], "prompt must be given"),
    (["generate", "  "], "prompt must hold at least one word"),
    (["generate", "a fox", "--frames", "18"], "num_frames must be 1 + a multiple of 4, got 18; nearest: 17"),
    (["generate", "a fox", "--size", "64"], "size must be WIDTHxHEIGHT"),
    (["generate", "a fox", "--size", "50x64"], "width must be a multiple of 16, got 50; nearest: 48"),
    (["generate", "a fox", "--fps", "0"], "fps must be above 0"),
    (["generate", "a fox", "--seconds", "-1"], "seconds must be above 0"),
    (["generate", "a fox", "--seconds", "1", "--frames", "5"], "seconds must be left out"),
    (["generate", "a fox", "--steps", "0"], "num_inference_steps must be at least 1"),
    (["generate", "a fox", "--guidance", "-2"], "guidance_scale must be at least 0"),
    (["generate", "a fox", "--style", "cartoons"], "nearest: cartoon"),
    (["generate", "a fox", "--scale", "0"], "scale must be between 1 and 16"),
    (["generate", "a fox", "--seed", "-3"], "seed must be between 0"),
    (["generate", "a fox", "-o", "a.avi"], "known are mp4, webm, gif, webp, png"),
    (["generate", "a fox", "-o", "/proc/none/a.mp4"], "cannot write /proc/none/a.mp4"),
    (["generate", "a fox", "-o", "a.gif", "--quality", "120"], "quality must be between 0 and 100"),
    (["generate", "a fox", "-o", "a.png"], "it holds one picture, not 5"),
    (["generate", "--from", "none.mp4"], "there is no such file"),
    (["image", "a fox", "--size", "8x8"], "height must be a multiple of 16"),
    (["image", "a fox", "-o", "text.txt/a.png"], "not a folder"),
    (["info", "nothing"], "no checkpoint 'nothing'"),
    (["info", "text.txt"], "not a video or picture"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_errors_are_one_line_and_nothing_is_written(toy, tmp_path, arguments, message):
    (tmp_path / "text.txt").write_text("hello")
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and len(result.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_misspelt_names_and_flags_are_usage_errors():
    result = run("generat")
    assert result.exit_code == 2 and "Nearest: 'generate'" in result.stderr
    assert run("generate", "a fox", "--colour", "red").exit_code == 2


def test_info_tells_of_machine_file_and_checkpoint(toy, tmp_path):
    assert "torch" in ok("info").stdout
    ok("generate", "a fox", "--seed", 5, "--steps", 1, "-o", "a.mp4", "--scale", 1)
    told = ok("info", "a.mp4").stdout
    assert "5 frames of 32 x 32, 8 fps, 0.62 s" in told and "prompt" in told and "a fox" in told
    networks = toy_networks()
    folder = save_checkpoint(tmp_path / "toy", TINY, *(n.state_dict() for n in networks), "# Card of toy\n", "int8")
    told = ok("info", folder).stdout
    assert "preset tiny" in told and "# Card of toy" in told
    for network in networks:
        assert f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M parameters" in told
    assert "5 frames of 32 x 32 at 8 fps" in told


@pytest.mark.parametrize("size", ["64x48", "64X48", "64×48", " 64 x 48 "])
def test_sizes_are_width_by_height(size):
    assert options.parse_size(size) == (48, 64)


def test_file_names_from_prompts():
    assert options.slug("A Fox / runs: on the BEACH!") == "a-fox-runs-on-the-beach"
    assert options.slug("一只狐狸 在跑") == "一只狐狸-在跑"
    assert options.slug("...") == "video"
    assert len(options.slug("antidisestablishmentarianism " * 5)) <= 48


def test_packing_makes_a_checkpoint_of_two_runs(tmp_path):
    networks = dict(zip(("autoencoder", "transformer"), toy_networks(), strict=True))
    for name, network in networks.items():
        save_file(network.state_dict(), tmp_path / f"{name}.safetensors")
    (tmp_path / "card.md").write_text("# Toy")
    parts = [item for name in networks for item in (f"--{name}", tmp_path / f"{name}.safetensors")]
    result = ok("train", "pack", "tiny", tmp_path / "toy", *parts, "--card", tmp_path / "card.md", "--dtype", "fp32",
                "--autoencoder-dtype", "fp32", "--steps", 9, "--guidance", 2, "--guidance-low", 0.1, "--guidance-high",
                0.9, "--rescale", 0.5, "--shift", 3, "--method", "heun")  # fmt: skip
    found = load_checkpoint(tmp_path / "toy")
    assert found.sampling == SamplingConfig(9, 2.0, 3.0, 0.1, 0.9, 0.5, "heun")
    assert found.sha256 in result.stdout and found.card == "# Toy"
    assert all(torch.equal(found.transformer[k], v) for k, v in networks["transformer"].state_dict().items())
    near = ("--causal", tmp_path / "transformer.safetensors", "--extras-dtype", "difference")
    ok("train", "pack", "tiny", tmp_path / "near", *parts, "--dtype", "int8", *near)
    found = load_checkpoint(tmp_path / "near")
    assert found.files["causal.safetensors"] < 0.8 * found.files["transformer.safetensors"]
    save_file({k: v + 2 for k, v in networks["transformer"].state_dict().items()}, tmp_path / "later.safetensors")
    later = ("--transformer", tmp_path / "later.safetensors")
    ok("train", "pack", "tiny", tmp_path / "mean", *parts, *later, "--dtype", "fp32")
    for name, value in load_checkpoint(tmp_path / "mean").transformer.items():
        torch.testing.assert_close(value, networks["transformer"].state_dict()[name] + 1)
    other = run("train", "pack", "tiny", tmp_path / "b", *parts, "--transformer", tmp_path / "autoencoder.safetensors")
    assert other.exit_code == 2 and "not of one kind" in other.stderr
    wrong = run("train", "pack", "nano", tmp_path / "b", *parts)
    assert wrong.exit_code == 2 and "does not fit its config" in wrong.stderr and not (tmp_path / "b").exists()


@pytest.mark.slow
def test_the_installed_road_with_the_real_text_encoder(tmp_path):
    states = [network.state_dict() for network in toy_networks()]
    folder = save_checkpoint(tmp_path / "toy", TINY, *states, "", "bf16")
    command = [sys.executable, "-m", "skyloom", "generate", "a dog runs", "--checkpoint", str(folder), "--steps", "2",
               "--seed", "1", "-o", str(tmp_path / "a.mp4")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert read_metadata(tmp_path / "a.mp4")["checkpoint"] == "toy"
