"""Malformed calls of the API, by the thousand: each must be answered soon, with an error body or for good reason.

    python benchmarks/fuzz_requests.py --calls 2000 --seed 0

The server is the installed command, without workers. Good calls of every kind (JSON, forms, files, queries) are cut,
flipped, given values of other kinds, keys in two shapes, names that nest too deeply, other content types. A call is
wrong that is answered by 500 or above, late, not in JSON, or refused without message, type, param and code.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from kill_serving import Machine, free_port, running

SLOW = 5.0
START_SECONDS = 120.0
BOUNDARY = "skyloom"
NOBODY = "video_" + "0" * 32


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    body: bytes = b""
    kind: str = "application/json"


def as_json(path: str, tree: dict[str, Any]) -> Call:
    """Return a call with a JSON body."""
    return Call("POST", path, json.dumps(tree).encode())


def as_form(path: str, fields: list[tuple[str, Any]]) -> Call:
    """Return a call with a form; bytes are files."""
    parts = []
    for name, value in fields:
        file = isinstance(value, bytes)
        head = f'Content-Disposition: form-data; name="{name}"' + ('; filename="upload"' if file else "")
        content = value if isinstance(value, bytes) else str(value).encode()
        parts.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return Call("POST", path, body, f"multipart/form-data; boundary={BOUNDARY}")


def picture() -> bytes:
    """Return a small PNG."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((32, 24)).save(out, "PNG")
    return out.getvalue()


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("/v1/videos", {"prompt": "a fox", "seconds": "4", "size": "1280x720", "seed": 7, "style": "cartoon"}),
    ("/v1/videos", {"prompt": "a fox", "keyframes": [{"time": 0, "image": {"file_id": "file_" + "0" * 32}}]}),
    ("/v1/videos", {"prompt": "a", "storyboard": [{"time": 0, "prompt": "a"}, {"time": 2, "prompt": "b"}]}),
    ("/v1/videos/edits", {"prompt": "x", "video": {"id": NOBODY}, "strength": "mild"}),
    ("/v1/videos/extensions", {"prompt": "x", "video": NOBODY, "seconds": 4, "direction": "backward"}),
    ("/v1/videos/blends", {"videos": [{"id": NOBODY}, {"id": NOBODY}], "seconds": "2"}),
    (f"/v1/videos/{NOBODY}/remix", {"prompt": "at night"}),
    ("/v1/videos/characters", {"name": "Rex", "video": NOBODY}),
    ("/v1/images/edits", {"prompt": "x", "image": ["data:image/png;base64,AAAA"], "n": 2}),
]
ODD: list[Any] = [
    None, True, -1, 0, 2**70, 1e308, -0.0, "", " ", "x" * 40_000, "\u202e", "a\0b", [], {}, [[]], {"id": None}, "NaN",
    "1e999", [{"a": [{"b": {}}]}], ["x"] * 200, {"image_url": "file:///etc/passwd"}, {"id": "../../x"}, "http://127.0.0.1/",
    "狐狸", {"file_id": 1.5},
]  # fmt: skip
NAMES = ["[]", "a[b", "a[][]", "prompt[x]", "prompt", "k[0][1][2][3][4][5][6][7]", "x" * 5000, "keyframes[][time]", "é"]
PATHS = ["/v1/videos", f"/v1/videos/{NOBODY}", f"/v1/videos/{NOBODY}/content", "/v1/files", "/v1/models/x", "/v1/no"]
KEYS = ["limit", "after", "order", "variant", "purpose", "a[]"]


def other_values(chance: random.Random) -> Call:
    """Put values of other kinds under some keys, known and unknown."""
    path, tree = chance.choice(GOOD)
    names = [*tree, *chance.sample(["seed", "fps", "motion", "characters", "input_reference", "loop", "mask", "x"], 2)]
    return as_json(path, {**tree, **{name: chance.choice(ODD) for name in chance.sample(names, 2)}})


def flipped(chance: random.Random) -> Call:
    """Change some bytes of a body."""
    call = chance.choice([as_json(*chance.choice(GOOD)), as_form(*form(chance))])
    body = bytearray(call.body)
    for _ in range(chance.randint(1, 12)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return replace(call, body=bytes(body))


def cut(chance: random.Random) -> Call:
    """Keep the beginning of a body."""
    call = chance.choice([as_json(*chance.choice(GOOD)), as_form(*form(chance))])
    return replace(call, body=call.body[: chance.randrange(len(call.body))])


def odd_fields(chance: random.Random) -> Call:
    """Add fields whose names contradict others, nest too deeply, or name nothing."""
    path, fields = form(chance)
    more = [(chance.choice(NAMES), chance.choice(["1", "", picture(), "x" * 100])) for _ in range(chance.randint(1, 4))]
    times = 300 if chance.random() < 0.05 else 1
    return as_form(path, [*fields, *more] * times)


def broken_files(chance: random.Random) -> Call:
    """Bring files that are none."""
    whole = picture()
    broken = chance.choice([whole[: chance.randrange(len(whole) - 30)], chance.randbytes(300), b"", whole[:40] + whole])
    name = chance.choice(["input_reference", "file", "image", "mask"])
    return as_form(chance.choice(["/v1/videos", "/v1/files", "/v1/images/edits"]), [("prompt", "x"), (name, broken)])


def other_types(chance: random.Random) -> Call:
    """Say that a body is of another type."""
    kinds = ["text/html", "multipart/form-data", "multipart/form-data; boundary=", "application/x-www-form-urlencoded",
             "application/json; charset=utf-16", "", "multipart/form-data; boundary=other"]  # fmt: skip
    return replace(as_json(*chance.choice(GOOD)), kind=chance.choice(kinds))


def odd_queries(chance: random.Random) -> Call:
    """Ask for pages, variants and paths that are not there."""
    values = ["-1", "0", "101", "9" * 30, "up", NOBODY, "", "\0", "é", "%", "a" * 500]
    asked = "&".join(
        f"{quote(chance.choice(KEYS))}={quote(chance.choice(values))}" for _ in range(chance.randint(1, 3))
    )
    method = chance.choice(["GET", "GET", "DELETE", "PUT", "OPTIONS", "PATCH"])
    return Call(method, f"{chance.choice(PATHS)}?{asked}")


HARMS: list[Callable[[random.Random], Call]] = [
    other_values, flipped, cut, odd_fields, broken_files, other_types, odd_queries,
]  # fmt: skip


def form(chance: random.Random) -> tuple[str, list[tuple[str, Any]]]:
    """Return the path and fields of a good form."""
    path, tree = chance.choice(GOOD)
    flat = [(name, value) for name, value in tree.items() if isinstance(value, str | int)]
    return path, [*flat, ("input_reference", picture())] if path == "/v1/videos" else flat


def malformed(number: int, seed: int) -> Call:
    """Return call `number`: the same arguments always give the same bytes."""
    return HARMS[number % len(HARMS)](random.Random(f"{seed}/{number}"))


def answered(port: int, call: Call) -> tuple[int, str, bytes]:
    """Send a call; return the answer's status, type and body."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=4 * SLOW)
    try:
        line.request(call.method, call.path, call.body, {"content-type": call.kind} if call.kind else {})
        answer = line.getresponse()
        return answer.status, answer.getheader("content-type") or "", answer.read()
    finally:
        line.close()


def fault(status: int, kind: str, body: bytes) -> str | None:
    """Return what is wrong with an answer, or None."""
    if status >= 500:
        return f"answered {status}"
    if not kind.startswith("application/json"):
        return f"{status} in {kind!r}"
    told = json.loads(body)
    if status >= 400 and (
        set(told.get("error", {})) != {"message", "type", "param", "code"} or not told["error"]["code"]
    ):
        return f"{status} without an error body"
    return None


def fuzz(port: int, calls: int, seed: int) -> tuple[Counter[str], list[str], float]:
    """Return answers by status, what went wrong, and the longest time in seconds."""
    outcomes: Counter[str] = Counter()
    wrong, slowest = [], 0.0
    for number in range(calls):
        call, began = malformed(number, seed), time.monotonic()
        try:
            status, kind, body = answered(port, call)
            outcomes[str(status)] += 1
            problem = fault(status, kind, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = f"no answer: {type(error).__name__}: {error}"
        seconds = time.monotonic() - began
        slowest = max(slowest, seconds)
        problem = problem or (f"took {seconds:.1f} s" if seconds > SLOW else None)
        if problem:
            wrong.append(f"{number} {call.method} {call.path[:60]}: {problem}")
    return outcomes, wrong, slowest


def wait_for(port: int) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            answered(port, Call("GET", "/healthz"))
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def main() -> None:
    """Run, and exit with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder, port = stack.enter_context(tempfile.TemporaryDirectory(prefix="skyloom-fuzz-")), free_port()
        command = [sys.executable, "-m", "skyloom", "serve", "--port", str(port), "--workers", "0", "--no-policy"]
        command += ["--store", f"{folder}/jobs.db", "--files", f"{folder}/files"]
        stack.enter_context(running([Machine("server", command, Path(folder) / "log")]))
        wait_for(port)
        outcomes, wrong, slowest = fuzz(port, options.calls, options.seed)
    for status, count in sorted(outcomes.items()):
        print(f"{count:6d}  {status}")
    print(f"{options.calls} calls; slowest {slowest:.2f} s; wrong: {len(wrong)}")
    print("\n".join(wrong[:20]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
