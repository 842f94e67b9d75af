"""Encoders: the same frames are the same bytes, whatever lay in memory before."""

import os
import subprocess
import sys

ENCODE = """
import hashlib, pathlib, sys
import numpy as np
from skyloom.data.encoders import write_mp4
frames = np.random.default_rng(0).integers(0, 255, (13, 4, 4, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
for scale in (1, 2):
    path = pathlib.Path(sys.argv[1]) / f"{scale}.mp4"
    write_mp4(frames.repeat(scale, 1).repeat(scale, 2), 8.0, path, 80.0, "{}")
    print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


def test_small_videos_are_the_same_bytes_each_time(tmp_path):
    said = set()
    for filling in ("0", "85"):
        (tmp_path / filling).mkdir()
        environment = {**os.environ, "MALLOC_PERTURB_": filling}
        command = [sys.executable, "-c", ENCODE, str(tmp_path / filling)]
        said.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(said) == 1 and len(said.pop().split()) == 2
