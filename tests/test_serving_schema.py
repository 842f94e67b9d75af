"""Our own OpenAPI document against our own answers, by schemathesis: examples, edges, random and stateful calls.

SCHEMA_EXAMPLES=50 pytest tests/test_serving_schema.py -s      deeper, with its report
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api_server import serving

CONFIG = Path(__file__).parent / "schemathesis.toml"
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "3"))


@pytest.mark.slow
def test_no_server_errors_and_no_schema_violations(tmp_path):
    with serving(tmp_path / "schema", image_wait_seconds=5.0, max_body_bytes=10**6) as server:
        command = [str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG), "run"]
        command += [f"{server.url}/openapi.json", "--seed", "7", "--max-examples", str(EXAMPLES), "--no-color"]
        found = subprocess.run([*command, "--request-timeout", "10"], cwd=tmp_path, capture_output=True, text=True)
        counts = server.store.counts()
    print(found.stdout)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert counts["completed"] > 0, "no video was ever made"
