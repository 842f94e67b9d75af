"""Samples kept as they come."""

import pytest

from skyloom.errors import InvalidArgument
from skyloom.evaluation.samples import SampleLog


def test_samples_survive_a_restart_and_a_torn_line(tmp_path):
    path = tmp_path / "suite.jsonl"
    log = SampleLog(path, {"seed": 0, "names": ("a", "b")})
    log.append([{"name": "x", "score": 1.0}, {"name": "狐", "score": 0.5}])
    with path.open("a") as file:
        file.write('{"name": "torn", "sc')
    again = SampleLog(path, {"seed": 0, "names": ("a", "b")})
    assert again.read() == [{"name": "x", "score": 1.0}, {"name": "狐", "score": 0.5}]
    again.append([{"name": "y", "score": 0.0}])
    assert [sample["name"] for sample in again.read()] == ["x", "狐", "y"]


def test_other_settings_are_refused_by_name(tmp_path):
    SampleLog(tmp_path / "suite.jsonl", {"seed": 0, "count": 5})
    with pytest.raises(InvalidArgument, match=r"differs: seed"):
        SampleLog(tmp_path / "suite.jsonl", {"seed": 1, "count": 5})
