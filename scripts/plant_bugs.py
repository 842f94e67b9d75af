"""Plant known bugs one at a time and see that the tests catch each.

    python scripts/plant_bugs.py            all of them, in a copy of the tree
    python scripts/plant_bugs.py 3 7        only those numbers

Each row of BUGS is (file under src/skyloom, the right text, the wrong text, the tests that must fail). The right text
must occur exactly once, so a row cannot rot unseen; the tests must pass before anything is planted. Exit status 1 when
a bug lives.
"""

# ruff: noqa: E501
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOW = "tests/test_diffusion_flow.py"
SCHEDULE = FLOW
GUIDANCE = "tests/test_diffusion_guidance.py"
SAMPLER = "tests/test_diffusion_sampler.py"
NETWORK = "tests/test_models_transformer.py"

BUGS: list[tuple[str, str, str, str]] = [
    ("diffusion/flow.py", "return (1 - sigma) * latents + sigma * noise", "return sigma * latents + (1 - sigma) * noise", FLOW),
    ("diffusion/flow.py", "return noise - latents", "return latents - noise", FLOW),
    ("diffusion/flow.py", "return noisy - _spread(sigma, noisy) * velocity", "return noisy + _spread(sigma, noisy) * velocity", FLOW),
    ("diffusion/flow.py", "check_shift(shift) * sigma / (1 + (shift - 1)", "check_shift(shift) * sigma / (1 + (1 - shift)", FLOW),
    ("diffusion/flow.py", "torch.sigmoid(mean + std * normal)", "torch.sigmoid(std + mean * normal)", FLOW),
    ("diffusion/schedule.py", "torch.linspace(1, 0, num_inference_steps + 1", "torch.linspace(0, 1, num_inference_steps + 1", SCHEDULE),
    ("diffusion/schedule.py", "inverse = shift_sigma(equal[0], 1 / check_shift(shift))", "inverse = shift_sigma(equal[0], check_shift(shift))", SCHEDULE),
    ("diffusion/sampler.py", "moved = _pin(noisy + (following - sigma) * velocity, known, shown)", "moved = _pin(noisy - (following - sigma) * velocity, known, shown)", SAMPLER),
    ("diffusion/sampler.py", "slope = (velocity + velocity_at(moved, following)) / 2", "slope = (velocity + velocity_at(moved, sigma)) / 2", SAMPLER),
    ("diffusion/sampler.py", "return torch.where(known.to(latents.device) > 0.5, values.to(latents), latents)", "return torch.where(known.to(latents.device) > 0.5, latents, values.to(latents))", SAMPLER),
    ("diffusion/sampler.py", "return _pin(noisy, known, context)", "return noisy", SAMPLER),
    ("diffusion/guidance.py", "Branch(unconditional, 1 - guidance_scale)", "Branch(unconditional, guidance_scale - 1)", GUIDANCE),
    ("diffusion/guidance.py", "Branch(source_only, source_scale - text_scale)", "Branch(source_only, source_scale)", GUIDANCE),
    ("diffusion/guidance.py", "chosen = active if inside else alone", "chosen = alone if inside else active", GUIDANCE),
    ("models/patchify.py", '"b c f (h p) (w q) -> b (f h w) (p q c)"', '"b c f (p h) (w q) -> b (f h w) (p q c)"', NETWORK),
    ("models/patchify.py", '"b (f h w) (p q c) -> b c f (h p) (w q)"', '"b (f h w) (q p c) -> b c f (h p) (w q)"', NETWORK),
    ("models/layers.py", "first * sin + second * cos], dim=-1)", "first * sin - second * cos], dim=-1)", NETWORK),
    ("models/layers.py", "rotate(self.key_norm(key), *rotation), value", "self.key_norm(key), value", NETWORK),
    ("models/rope.py", "positions[:, axis : axis + 1]", "positions[:, 0:1]", NETWORK),
    ("models/rope.py", "- (grid.latent_width - 1) / 2", "", NETWORK),
    ("models/transformer.py", "words = layer(words, turn, mask[:, None])", "words = layer(words, turn, None)", NETWORK),
    ("models/transformer.py", "torch.lerp(target, held, cells", "torch.lerp(target, target, cells", NETWORK),
    ("models/transformer.py", "return frame[:, None] >= order[None, :]", "return frame[:, None] <= order[None, :]", NETWORK),
    ("models/transformer.py", "& (attention_mask if", "& ~(attention_mask if", NETWORK),
]  # fmt: skip


def passes(tree: Path, tests: str) -> bool:
    """Run tests against the package in `tree`."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests.split()]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True).returncode == 0


def plant(tree: Path, bug: tuple[str, str, str, str]) -> bool:
    """Plant one bug, run its tests, take it out again; return whether it was caught."""
    name, right, wrong, tests = bug
    path = tree / "src" / "skyloom" / name
    text = path.read_text()
    if text.count(right) != 1:
        raise SystemExit(f"{name} holds {right!r} {text.count(right)} times; the row must be brought up to date")
    path.write_text(text.replace(right, wrong))
    caught = not passes(tree, tests)
    path.write_text(text)
    return caught


def main(numbers: list[int]) -> int:
    """Plant the chosen bugs (all when none is named) and print what became of each."""
    chosen = numbers or range(1, len(BUGS) + 1)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignore = shutil.ignore_patterns("__pycache__", "weights", "*.npz")
        shutil.copytree(ROOT / "src", tree / "src", ignore=ignore)
        shutil.copytree(ROOT / "tests", tree / "tests", ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", tree)
        needed = {test for number in chosen for test in BUGS[number - 1][3].split()}
        if not passes(tree, " ".join(sorted(needed))):
            raise SystemExit("the tests fail before any bug is planted")
        alive = 0
        for number in chosen:
            caught = plant(tree, BUGS[number - 1])
            alive += not caught
            name, right, wrong, _ = BUGS[number - 1]
            print(f"{number:3d} {'caught' if caught else 'LIVES ':6s} {name}: {right!r} -> {wrong!r}", flush=True)
    print(f"{len(chosen) - alive} of {len(chosen)} bugs caught")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main([int(argument) for argument in sys.argv[1:]]))
