"""The minute suite against planted drifts, and what a process costs."""

import sys

import pytest
import torch

from skyloom.errors import GenerationError
from skyloom.evaluation import minute_suite
from skyloom.evaluation.fresh_process import Cost, run_measured
from skyloom.evaluation.minute_suite import MinutePlan, at_ends, cases_for, cut, over_time
from skyloom.evaluation.oracle import ActorReading, Reading
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.scoring import asked
from skyloom.evaluation.task_cases import choose
from skyloom.evaluation.tasks_tables import over_time_table, row_tables
from skyloom.presets import TINY
from skyloom.video import Video

PLAN = MinutePlan(TINY.world, TINY.clip, count=2, long=10.0, short=2.0)


class Eye:
    """Sees the wanted actor where it is bright, and a stranger where it is dark."""

    def __init__(self, facts):
        self.facts = facts

    def read(self, pixels):
        mine = self.facts.actors[0]
        names = [mine.name if bright else "nobody" for bright in (pixels.mean((1, 2, 3, 4)) > 0).tolist()]
        actors = [ActorReading(name, mine.motion, mine.direction or "none", 1.0) for name in names]
        rest = (self.facts.place, "clear", "still", "3d render", True)
        return [Reading(1 if actor.name != "nobody" else 2, (actor,), *rest) for actor in actors]


def darkening(seconds, fps=8.0):
    """A grey clip with fine stripes that goes from 0.8 to 0.2 of the range; stripes fade in the second half."""
    frames = round(seconds * fps)
    level = torch.linspace(0.6, -0.6, frames).view(1, -1, 1, 1)
    stripes = (torch.arange(32) % 2 * 2.0 - 1) * 0.2
    fading = torch.where(torch.arange(frames) < frames // 2, 1.0, 0.5).view(1, -1, 1, 1)
    return Video.from_pixels((level + stripes * fading).expand(3, frames, 32, 32), fps)


def test_drift_of_a_known_clip_is_found():
    case = choose(TINY.world, "calm", 0, [0], "a test")[0]
    series = over_time(Eye(case.facts), darkening(10), asked(case.facts), 5)
    assert {len(values) for values in series.values()} == {16}
    assert series["actor"] == [1.0] * 8 + [0.0] * 8 == series["as at first"] == series["count"]
    ends = at_ends(series, 4)
    assert ends["actor lost"] == 1.0 and ends["place lost"] == 0.0 and ends["count right"] == 0.5
    assert ends["colour shift"] == pytest.approx(0.6 * 60 / 79, abs=0.01)
    assert ends["sharpness kept"] == pytest.approx(0.5, abs=0.02)


def test_cutting_leaves_out_the_rest_and_keeps_short_clips():
    assert cut(torch.zeros(1, 3, 12, 4, 4), 5).shape == (2, 3, 5, 4, 4)
    assert cut(torch.zeros(1, 3, 3, 4, 4), 5).shape == (1, 3, 3, 4, 4)
    assert [cases_for(count) for count in (1, 25, 100)] == [1, 1, 4]


def test_a_stopped_minute_goes_on_and_fills_its_tables(tmp_path):
    made, done = [], []

    def make(prompt, seconds, seed):
        made.append(seconds)
        return darkening(seconds), Cost(seconds, 100.0 + (5.0 if seconds > 5 else 0.0), seconds)

    eye = Eye(choose(TINY.world, "calm", 0, [0], "a test")[0].facts)
    log = SampleLog(tmp_path / "minute.jsonl", {"seed": 0})
    first = minute_suite.run(PLAN, eye, make, log, done.append)
    log.path.write_text("\n".join(log.path.read_text().splitlines()[:2]) + "\n")
    again = minute_suite.run(PLAN, eye, make, log, done.append)
    assert again == first and made == [10.0, 2.0] * 3 and sum(done) == 4
    tables, numbers = row_tables("A minute", minute_suite.SUBJECTS, first, 0)
    assert [line[4] for line in tables[0].rows] == ["yes", "no", "yes"]
    assert numbers["minute"]["made"]["memory ratio"]["mean"] == pytest.approx(1.05)
    table = over_time_table(first, 10.0, bins=2)
    assert table.rows[1] == ["place", "0.500", "0.500"] and table.header[1] == "0-5 s"


def test_peak_memory_and_failures_of_a_process():
    small = run_measured([sys.executable, "-c", "pass"])
    large = run_measured([sys.executable, "-c", "x = b'1' * 200_000_000"])
    assert large.megabytes - small.megabytes == pytest.approx(200e6 / 2**20, rel=0.1)
    with pytest.raises(GenerationError, match=r"ended with 3: no luck"):
        run_measured([sys.executable, "-c", "print('no luck'); raise SystemExit(3)"])
