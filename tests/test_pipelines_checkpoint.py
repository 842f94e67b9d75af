"""Checkpoints through folders and back."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline_parts import toy_networks
from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.models.transformer import Transformer
from skyloom.pipelines import checkpoint
from skyloom.pipelines.checkpoint import SamplingConfig, fill, load_checkpoint, save_checkpoint
from skyloom.pipelines.packing import pack, unpack
from skyloom.presets import TINY
from skyloom.seeds import generator_for


@pytest.fixture(scope="module")
def states():
    return [network.state_dict() for network in toy_networks()]


@pytest.fixture
def saved(tmp_path, states):
    sampling = SamplingConfig(num_inference_steps=7, guidance_scale=2.5, shift=1.5)
    return save_checkpoint(
        tmp_path / "toy", TINY, *states, "# Toy\n", "fp32", autoencoder_dtype="fp32", sampling=sampling
    )


def test_everything_comes_back(saved, states):
    found = load_checkpoint(saved)
    assert (found.name, found.preset, found.card) == ("toy", TINY, "# Toy\n")
    assert found.sampling == SamplingConfig(num_inference_steps=7, guidance_scale=2.5, shift=1.5)
    for before, after in zip(states, (found.autoencoder, found.transformer), strict=True):
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_bf16_rounds_matrices_and_keeps_vectors(states):
    packed = unpack(pack(states[1], "bf16"))
    for name, before in states[1].items():
        wanted = before.bfloat16().float() if before.dim() > 1 else before
        assert torch.equal(packed[name], wanted)


def test_int8_is_within_half_a_step_of_each_rows_largest(states):
    for state in states:
        for name, after in unpack(pack(state, "int8")).items():
            before = state[name]
            rows, error = before.reshape(len(before), -1) if before.dim() else before[None, None], after - before
            step = rows.abs().amax(1) / 127 if before.dim() > 1 else torch.zeros(1)
            assert (error.reshape(rows.shape).abs().amax(1) <= step / 2 + 1e-7).all()


def test_int8_folders_are_half_of_bf16(tmp_path, states):
    sizes = []
    for dtype in ("bf16", "int8"):
        folder = save_checkpoint(tmp_path / dtype, TINY, *states, "", dtype)
        sizes.append((folder / "transformer.safetensors").stat().st_size)
    assert sizes[1] < 0.65 * sizes[0]


def test_the_hash_tells_weights_and_not_the_card(tmp_path, saved, states):
    same = save_checkpoint(tmp_path / "b", TINY, *states, "other", "fp32", autoencoder_dtype="fp32",
                           sampling=load_checkpoint(saved).sampling)  # fmt: skip
    assert load_checkpoint(same).sha256 == load_checkpoint(saved).sha256
    changed = {**states[1], "final_offset": states[1]["final_offset"] + 1}
    other = save_checkpoint(tmp_path / "c", TINY, states[0], changed, "", "fp32")
    assert load_checkpoint(other).sha256 != load_checkpoint(saved).sha256


def test_extras_come_back_stored_as_the_transformer_is(tmp_path, states):
    extras = {"few_step": states[1], "planner": states[1]}
    found = load_checkpoint(save_checkpoint(tmp_path / "toy", TINY, *states, "", "bf16", extras=extras))
    assert list(found.extras) == ["planner", "few_step"]
    for name, stored in found.transformer.items():
        assert torch.equal(found.extras["planner"][name], stored)
        assert torch.equal(found.extras["few_step"][name], stored)
    fewer = save_checkpoint(tmp_path / "fewer", TINY, *states, "", "bf16", extras={"planner": states[1]})
    assert load_checkpoint(fewer).sha256 != found.sha256


def trained_on(state, spread=0.002):
    """A network near another, with a part of its own."""
    generator = generator_for(0, "trained on")
    near = {name: value + spread * torch.randn(value.shape, generator=generator) for name, value in state.items()}
    return {**near, "levels.jump_in.weight": torch.randn(32, 32, generator=generator)}


def test_extras_as_differences_are_nearer_than_int8_in_about_half_the_room(tmp_path, states):
    wanted, errors, sizes = trained_on(states[1]), [], []
    for extras_dtype in (None, "difference"):
        folder = tmp_path / str(extras_dtype)
        save_checkpoint(
            folder, TINY, *states, "", "int8", extras={"few_step": wanted, "causal": states[1]},
            extras_dtype=extras_dtype,
        )  # fmt: skip
        found = load_checkpoint(folder)
        assert all(torch.equal(found.extras["few_step"][name], wanted[name]) for name in wanted if "offset" in name)
        errors.append({name: (found.extras["few_step"][name] - wanted[name]).norm() for name in wanted})
        packed = load_file(folder / "few_step.safetensors")
        sizes.append(sum(value.nbytes for name, value in packed.items() if value.dim() > 1))
        assert "levels.jump_in.weight.int8" in packed
    assert all(errors[1][name] <= errors[0][name] for name in wanted)
    assert sum(errors[1].values()) < 0.7 * sum(errors[0].values())
    assert sizes[1] < 0.55 * sizes[0]


def test_differences_from_another_transformer_are_refused(tmp_path, states):
    other = {**states[1], "final_offset": states[1]["final_offset"] + 1}
    ours, theirs = (
        save_checkpoint(tmp_path / name, TINY, states[0], state, "", "int8",
                        extras={"few_step": trained_on(states[1])}, extras_dtype="difference")
        for name, state in (("ours", states[1]), ("theirs", other))
    )  # fmt: skip
    shutil.copy(theirs / "transformer.safetensors", ours / "transformer.safetensors")
    with pytest.raises(CheckpointError, match="was stored as the difference from another"):
        load_checkpoint(ours)


def test_extras_stored_in_int8_by_hand_are_read(saved):
    packed = {"w.int8": torch.tensor([[127, -64], [2, 0]], dtype=torch.int8), "w.scale": torch.tensor([0.5, 3.0])}
    save_file({**packed, "bias": torch.tensor([1.5])}, saved / "few_step.safetensors")
    found = load_checkpoint(saved).extras["few_step"]
    assert found["w"].tolist() == [[63.5, -32.0], [6.0, 0.0]]
    assert found["bias"].tolist() == [1.5]


def test_unknown_extras_are_refused_and_leave_nothing(tmp_path, states):
    with pytest.raises(InvalidArgument, match="extras must be one of planner"):
        save_checkpoint(tmp_path / "toy", TINY, *states, "", extras={"planer": states[1]})
    assert not list(tmp_path.iterdir())


def test_saving_again_replaces_and_leaves_nothing_else(tmp_path, states, saved):
    save_checkpoint(saved, TINY, *states, "# New\n", "int8")
    assert load_checkpoint(saved).card == "# New\n"
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]


def test_other_folders_are_left_alone(tmp_path, states):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="left alone"):
        save_checkpoint(tmp_path / "mine", TINY, *states, "")
    assert (tmp_path / "mine" / "thesis.txt").exists()
    with pytest.raises(InvalidArgument, match="nearest: int8"):
        save_checkpoint(tmp_path / "x", TINY, *states, "", "int4")


def broken(saved, what):
    config = json.loads((saved / "config.json").read_text())
    weights = saved / "transformer.safetensors"
    if what == "no config":
        (saved / "config.json").unlink()
    elif what == "no weights":
        weights.unlink()
    elif what == "truncated weights":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif what == "truncated config":
        (saved / "config.json").write_text(json.dumps(config)[:200])
    elif what == "foreign":
        (saved / "config.json").write_text(json.dumps({"model_type": "bert"}))
    elif what == "newer":
        (saved / "config.json").write_text(json.dumps({**config, "version": 99}))
    else:
        config["preset"]["transformer"]["wings"] = 2
        (saved / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no config", "it has no config.json"),
        ("no weights", "incomplete: it has no transformer.safetensors"),
        ("truncated weights", "transformer.safetensors is damaged"),
        ("truncated config", "config.json is damaged"),
        ("foreign", "not a checkpoint of Skyloom"),
        ("newer", "version 99, this program reads 1"),
        ("unknown field", "wings"),
    ],
)
def test_damaged_folders_are_refused(saved, what, message):
    broken(saved, what)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(saved)


def test_weights_of_another_config_are_refused(saved):
    state = load_checkpoint(saved).transformer
    state.pop("final_offset")
    with pytest.raises(CheckpointError, match="1 tensors differ, the first is final_offset"):
        fill(Transformer(TINY.transformer), state, "transformer.safetensors")


def test_names_resolve_to_shipped_folders(tmp_path, monkeypatch, saved):
    monkeypatch.setattr(checkpoint, "WEIGHTS", tmp_path / "weights")
    with pytest.raises(CheckpointError, match="no checkpoint is shipped"):
        load_checkpoint()
    shutil.copytree(saved, tmp_path / "weights" / "nano")
    (tmp_path / "weights" / "DEFAULT").write_text("nano\n")
    assert load_checkpoint().name == load_checkpoint("nano").name == "nano"
    (tmp_path / "weights" / "judge").mkdir()
    (tmp_path / "weights" / "judge" / "config.json").write_text("{}")
    assert checkpoint.shipped() == ["nano"]
    with pytest.raises(CheckpointError, match="no checkpoint 'nanno': shipped are nano; nearest: nano"):
        load_checkpoint("nanno")
