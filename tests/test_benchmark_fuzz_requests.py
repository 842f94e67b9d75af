"""The fuzzer of calls: the same calls every time, all of them answered, and every kind of bad answer found."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import fuzz_requests as bench
from api_server import serving


@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")  # the framework's, of a form that was cut in a file
def test_a_small_run_finds_nothing_wrong(tmp_path):
    with serving(tmp_path / "server") as server:
        server.maker.held.set()
        port = int(server.url.rpartition(":")[2])
        outcomes, wrong, slowest = bench.fuzz(port, 84, 3)
    assert wrong == [] and slowest < bench.SLOW
    assert sum(outcomes.values()) == 84 and outcomes["400"] > 30 and outcomes["404"] > 3


def test_a_call_is_the_same_every_time_and_another_by_another_seed():
    calls = [bench.malformed(number, 5) for number in range(21)]
    assert calls == [bench.malformed(number, 5) for number in range(21)]
    assert sum(call != bench.malformed(number, 6) for number, call in enumerate(calls)) >= 18


def test_good_calls_are_good(tmp_path):
    path, tree = bench.GOOD[0]
    fields = [*tree.items(), ("input_reference", bench.picture())]
    with serving(tmp_path / "server") as server:
        for call in (bench.as_json(path, tree), bench.as_form(path, fields)):
            status, kind, body = bench.answered(int(server.url.rpartition(":")[2]), call)
            assert status == 200 and bench.fault(status, kind, body) is None


ERROR = {"message": "m", "type": "t", "param": None, "code": "c"}


@pytest.mark.parametrize("status, kind, told, found", [
    (500, "application/json", {"error": ERROR}, "answered 500"),
    (400, "text/plain", {"error": ERROR}, "400 in 'text/plain'"),
    (400, "application/json", {"detail": "no"}, "400 without an error body"),
    (404, "application/json", {"error": {**ERROR, "code": None}}, "404 without an error body"),
    (404, "application/json", {"error": ERROR}, None), (200, "application/json", {"id": "x"}, None),
])  # fmt: skip
def test_every_bad_answer_is_found(status, kind, told, found):
    assert bench.fault(status, kind, json.dumps(told).encode()) == found
