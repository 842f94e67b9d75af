"""A server on a free port for tests: the real app, store and files; a maker in a thread stands in for the worker."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import uvicorn
from PIL import Image

from skyloom.serving.app import create_app
from skyloom.serving.files import Files
from skyloom.serving.jobs import Job, prefix
from skyloom.serving.offers import Offer
from skyloom.serving.policy import OFF
from skyloom.serving.settings import Settings
from skyloom.serving.store import Store
from skyloom.shapes import Strides

OFFER = Offer("toy", 17, 64, 64, 8.0, Strides(4, 8), 16, 1_700_000_000)


def picture(width: int = 32, height: int = 32, kind: str = "PNG", mode: str = "RGB") -> bytes:
    """A picture file with a gradient."""
    pixels = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, kind)
    return out.getvalue()


def clip(path: Path, frames: int = 17, width: int = 64, height: int = 64, fps: int = 8, shade: int = 0) -> Path:
    """A small mp4."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            pixels = np.full((height, width, 3), (shade + 5 * number) % 256, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        out.mux(stream.encode())
    return path


class Maker(threading.Thread):
    """Takes jobs and makes them at once; `held` makes it wait, `fail_prompts` fail."""

    def __init__(self, store: Store, files: Files, folder: Path) -> None:
        super().__init__(daemon=True)
        self.store, self.files, self.folder = store, files, folder
        self.stopping, self.held = threading.Event(), threading.Event()
        self.orders: list[dict] = []

    def run(self) -> None:
        while not self.stopping.wait(0.01):
            job = None if self.held.is_set() else self.store.lease("maker", 30.0)
            if job is not None:
                self.make(job)

    def make(self, job: Job) -> None:
        self.orders.append(job.order)
        self.store.heartbeat(job.id, "maker", 50, 30.0)
        if "fail" in job.prompt:
            self.store.fail(job.id, "maker", "generation_failed", "it could not be made")
            return
        made = self.video(job) if job.kind == "video" else self.images(job)
        keys = {}
        for variant, path in made.items():
            keys[variant] = f"{prefix(job.id)}{path.name}"
            self.files.put(keys[variant], path)
        told = {"size": job.size, "seconds": job.seconds, "seed": job.order["settings"].get("seed", 1)}
        self.store.finish(job.id, "maker", told, keys, 1000)

    def video(self, job: Job) -> dict[str, Path]:
        width, height = map(int, job.size.split("x"))
        mp4 = self.folder / f"{job.size}.mp4"
        if not mp4.exists():
            clip(mp4, 5, width, height)
        thumbnail, sheet = self.folder / "thumbnail.webp", self.folder / "spritesheet.jpeg"
        thumbnail.write_bytes(picture(kind="WEBP"))
        sheet.write_bytes(picture(kind="JPEG"))
        return {"video": mp4, "thumbnail": thumbnail, "spritesheet": sheet}

    def images(self, job: Job) -> dict[str, Path]:
        found, settings = {}, job.order["settings"]
        for number in range(settings["n"]):
            path = self.folder / f"image-{number}.{settings['output_format']}"
            path.write_bytes(picture(settings["width"], settings["height"], settings["output_format"].upper()))
            found[f"image-{number}"] = path
        return found


@dataclass
class Server:
    """A running server."""

    store: Store
    files: Files
    maker: Maker
    uvicorn: uvicorn.Server
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.uvicorn.servers[0].sockets[0].getsockname()[1]}"


@contextlib.contextmanager
def serving(folder: Path, files: Files | None = None, **settings):
    """A server on a free port of loopback, until the block ends. files: where it keeps them; a folder if left out."""
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / "work"
    work.mkdir()
    store, files = Store.open(folder / "jobs.db"), files or Files(folder / "files")
    own = {"poll_after_ms": 20, "policy": OFF, **settings}
    app = create_app(store, files, Settings(OFFER, **own))
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = Server(store, files, Maker(store, files, work), uvicorn.Server(config))
    thread = threading.Thread(target=server.uvicorn.run, daemon=True)
    thread.start()
    server.maker.start()
    while not server.uvicorn.started:
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.uvicorn.should_exit = True
        thread.join(10)
        server.maker.stopping.set()
        server.maker.join(10)
        store.close()
