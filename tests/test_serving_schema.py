"""Our own OpenAPI document against our own answers, by schemathesis: examples, edges, random and stateful calls.

SCHEMA_EXAMPLES=50 pytest tests/test_serving_schema.py -s      deeper, with its report
"""

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from api_server import serving
from skyloom.serving import provenance

CONFIG = Path(__file__).parent / "schemathesis.toml"
PHASES = os.environ.get("SCHEMA_PHASES", "examples,coverage,fuzzing,stateful")
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "3"))


@pytest.mark.slow
def test_no_server_errors_and_no_schema_violations(tmp_path, monkeypatch):
    mark = {"found": False, "score": 0.1, "threshold": 6.0, "payload": None, "agrees_with_manifest": None}
    manifest = {"state": "none", "signer": None, "program": None, "problems": [], "ingredients": [], "generation": {}}
    report = {"manifest": manifest, "invisible_mark": mark, "visible_mark": None}
    monkeypatch.setattr(provenance, "_looked_at", lambda path: report)  # the command is tested elsewhere
    with serving(tmp_path / "schema", image_wait_seconds=5.0, max_body_bytes=10**6) as server:
        video = httpx2.post(f"{server.url}/v1/videos", json={"prompt": "a fox"}).json()
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "SCHEMA_VIDEO_ID": video["id"]}
        environment["PYTHONPATH"] = str(CONFIG.parent)
        command = [str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG), "run"]
        command += [f"{server.url}/openapi.json", "--seed", "7", "--max-examples", str(EXAMPLES), "--no-color"]
        command += ["--phases", PHASES]
        command += ["--request-timeout", "30"]
        found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
        counts = server.store.counts()
    print(found.stdout)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert counts["completed"] > 0, "no video was ever made"
