"""`skyloom serve`: the API, and workers that make what it is asked for.

skyloom serve                          this machine only: http://127.0.0.1:8000/v1
skyloom keys create me                 then others may come, with a key
skyloom serve --host 0.0.0.0
"""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from skyloom.cli import options
from skyloom.cli.work import FilesOption, PictureClassifier, PicturePolicy, StoreOption, open_store, policy_of
from skyloom.errors import InvalidArgument, MissingDependency

if TYPE_CHECKING:
    from fastapi import FastAPI

    from skyloom.serving.crew import Crew
    from skyloom.serving.policy import Policy
    from skyloom.serving.settings import Settings
    from skyloom.serving.store import Store

LOOPBACK = "127.0.0.1"
MEGA = 10**6


def serve(
    host: Annotated[str, typer.Option(help="address to listen on; without API keys only this machine's")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="port; 0: any free one")] = 8000,
    workers: Annotated[int, typer.Option(min=0, max=64, help="processes that make videos; 0: `skyloom work` does")] = 1,
    store: StoreOption = None,
    files: FilesOption = None,
    checkpoint: options.Checkpoint = None,
    device: Annotated[str | None, typer.Option(help="of the workers: cpu or cuda")] = None,
    engine: Annotated[str | None, typer.Option(help="module:function that makes things, for the workers")] = None,
    keep_hours: Annotated[float, typer.Option(min=0, help="finished files are kept so long; 0: for ever")] = 24,
    max_upload_mb: Annotated[int, typer.Option(min=1, help="largest file taken")] = 100,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="a name this machine is called by, for use without keys")
    ] = None,
    fetch_urls: Annotated[bool, typer.Option(help="take inputs by URL too; private addresses never")] = False,
    policy: Annotated[bool, typer.Option("--policy/--no-policy", help="refuse some prompts and pictures")] = True,
    picture_policy: PicturePolicy = True,
    prompt_classifier: Annotated[
        str | None, typer.Option(metavar="MODULE:FUNCTION", help="scores a prompt by category, instead of ours")
    ] = None,
    picture_classifier: PictureClassifier = None,
    grace: Annotated[float, typer.Option(min=0, help="seconds that workers have to finish when stopped")] = 20.0,
) -> None:
    """Answer OpenAI's Videos API on your own machine: change a program's base URL to the one shown, and it works again.

    Jobs outlive the server: started again, it goes on where it was. SIGTERM or Ctrl-C stops it gently.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    opened = open_store(store, keep_hours * 3600 or None)
    told = _settings(checkpoint, allow_host or [], max_upload_mb)
    from skyloom.serving.app import create_app
    from skyloom.serving.crew import Crew
    from skyloom.serving.files import Files
    from skyloom.serving.places import default_files, default_store

    rules = policy_of(policy, policy and picture_policy, prompt_classifier, picture_classifier)
    settings = replace(told, policy=rules, fetch_urls=fetch_urls)
    listening = bound(allowed_host(host, opened, console), port)
    command = worker_command(checkpoint, device, engine, keep_hours, grace, rules)
    _say(console, listening, settings, workers)
    crew = Crew(
        command, workers, {"SKYLOOM_STORE": store or default_store(), "SKYLOOM_FILES": files or default_files()}
    )
    run(create_app(opened, Files(files or default_files()), settings), listening, crew, grace + 5)
    opened.close()


def run(app: FastAPI, listening: socket.socket, crew: Crew, grace: float) -> None:
    """Serve until a signal; then let the workers finish or hand back."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
        timeout_keep_alive=75,
    )
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again at its end: workers come first
    crew.start()
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        crew.stop(grace)
        signal.signal(signal.SIGTERM, before)


def _settings(checkpoint: str | None, hosts: list[str], max_upload_mb: int) -> Settings:
    """Return what the app is told. Raises MissingDependency, CheckpointError."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401

        from skyloom.serving.settings import LOOPBACK, Settings
    except ModuleNotFoundError as error:
        raise MissingDependency("skyloom[serve]", f"the server ({error.name} is not here)") from error
    from skyloom.serving.offers import read_offer

    most = max_upload_mb * MEGA
    own = Settings(read_offer(checkpoint), hosts=(*LOOPBACK, *hosts), max_upload_bytes=most, max_body_bytes=3 * most)
    return replace(own, url_secret=os.environ.get("SKYLOOM_URL_SECRET") or own.url_secret)


def allowed_host(host: str, store: Store, console: Console) -> str:
    """Return the address to listen on: the loopback while there are no keys. Says so."""
    if store.has_keys():
        return host
    if not is_loopback(host):
        console.print(f"[yellow]no API keys:[/] listening on {LOOPBACK} instead of {host}")
        host = LOOPBACK
    console.print("no API keys: only this machine is served; `skyloom keys create NAME` makes one")
    return host


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises InvalidArgument for an address that is not here or a port in use."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        wanted = "be an address of this machine and a port that is free"
        raise InvalidArgument("host and port", f"{host}:{port}", f"{wanted} ({error.strerror or error})") from error


def worker_command(
    checkpoint: str | None, device: str | None, engine: str | None, keep_hours: float, grace: float, policy: Policy
) -> list[str]:
    """Return the command of one worker. The store is told by its environment: a URL may hold a password."""
    told = {
        "--checkpoint": checkpoint, "--device": device, "--engine": engine,
        "--keep-hours": f"{keep_hours:g}", "--grace": f"{grace:g}", "--picture-classifier": policy.pictures,
    }  # fmt: skip
    given = [word for name, value in told.items() if value is not None for word in (name, value)]
    unjudged = ["--no-picture-policy"] if policy.pictures is None else []
    return [sys.executable, "-m", "skyloom", "work", *given, *unjudged]


def _say(console: Console, listening: socket.socket, settings: Settings, workers: int) -> None:
    """Say where the API is, and what it makes."""
    host, port = listening.getsockname()[:2]
    shown = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    offer = settings.offer
    console.print(f"serving [bold]{offer.name}[/] with {workers} worker{'' if workers == 1 else 's'}: {shown}/v1")
    console.print(f"  client = openai.OpenAI(base_url={f'{shown}/v1'!r}, api_key=...)", markup=False)
    console.print(f"  all calls: {shown}/docs", markup=False)
    unchecked = {"prompts": settings.policy.prompts, "pictures": settings.policy.pictures}
    for what in (name for name, classifier in unchecked.items() if classifier is None):
        console.print(f"[yellow]{what} are not checked[/]")
