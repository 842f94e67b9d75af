"""Builds the panoramas of the fourteen places.

Each place is four layers from far to near (sky, far, mid, ground), drawn from gradients, soft shapes and pictures of
@lobehub/fluent-emoji-3d 1.1.0 (MIT), fetched with `npm pack`. Everything wraps sideways; fine detail is avoided.

    python scripts/build_places.py                       # writes src/skyloom/world/assets/places.npz
    python scripts/build_places.py --archives FOLDER     # the .tgz file is there already
"""

import argparse
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from landscapes import LANDSCAPES
from panorama import COLUMNS, ROWS, Props

PACKAGE = "@lobehub/fluent-emoji-3d@1.1.0"
ARCHIVE = "lobehub-fluent-emoji-3d-1.1.0.tgz"
OUTPUT = Path(__file__).resolve().parent.parent / "src" / "skyloom" / "world" / "assets" / "places.npz"


def halve(layer: np.ndarray) -> np.ndarray:
    """Mean of 2 x 2 pixels."""
    return layer.reshape(ROWS // 2, 2, COLUMNS // 2, 2, 4).mean((1, 3))


def draw(props: Props) -> np.ndarray:
    """All places: (place, layer, h, w, 4) uint8, premultiplied."""
    places = [[halve(layer) for layer in landscape(props)] for landscape in LANDSCAPES]
    return (np.clip(np.array(places), 0, 1) * 255 + 0.5).astype(np.uint8)


def main() -> None:
    """Unpack the pictures, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archives", type=Path, help="folder that already holds the .tgz file")
    archives = parser.parse_args().archives
    with tempfile.TemporaryDirectory() as folder:
        if archives is None:
            subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open((archives or Path(folder)) / ARCHIVE) as tar:
            tar.extractall(folder, filter="data")
        layers = draw(Props(Path(folder) / "package" / "assets"))
    np.savez_compressed(OUTPUT, layers=layers)
    print(f"{OUTPUT.name}: {layers.shape}, {OUTPUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
