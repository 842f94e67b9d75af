"""`skyloom keys`: who may use the server."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from skyloom.cli.work import StoreOption, open_store

SETTINGS: dict[str, Any] = {"add_completion": False, "no_args_is_help": True, "pretty_exceptions_enable": False}
keys = typer.Typer(rich_markup_mode="markdown", **SETTINGS)


@keys.callback()
def about() -> None:
    """Make, list and revoke API keys. A server with no key at all serves its own machine only."""


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="whose or what for, 1 to 80 characters")],
    requests_per_minute: Annotated[int, typer.Option(min=0, help="calls a minute; 0: any number")] = 600,
    active_jobs: Annotated[int, typer.Option(min=0, help="jobs waiting or running at a time; 0: any number")] = 20,
    gigabytes: Annotated[float, typer.Option(min=0, help="of finished files; 0: any number")] = 20.0,
    store: StoreOption = None,
) -> None:
    """Make a key. Its secret goes to stdout, once: what is stored is a hash of it."""
    opened = open_store(store)
    from skyloom.serving.jobs import Limits

    limits = Limits(requests_per_minute or None, active_jobs or None, int(gigabytes * 10**9) or None)
    public_id, secret = opened.add_key(name, limits)
    Console(stderr=True).print(f"key {public_id} for {name}; the next line cannot be shown again:", markup=False)
    print(secret)


@keys.command("list")
def list_keys(store: StoreOption = None) -> None:
    """List all keys, without their secrets."""
    table = Table(box=None)
    for name in ("id", "name", "made", "calls/min", "jobs", "GB", "state"):
        table.add_column(name, no_wrap=name != "name", overflow="fold")
    for key in open_store(store).list_keys():
        limits, made = key.limits, time.strftime("%Y-%m-%d", time.gmtime(key.created_at))
        stored = None if limits.stored_bytes is None else limits.stored_bytes / 10**9
        told = [_number(value) for value in (limits.requests_per_minute, limits.active_jobs, stored)]
        table.add_row(key.public_id, key.name, made, *told, "open" if key.revoked_at is None else "revoked")
    Console().print(table, markup=False)


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(help="a key's id, as `skyloom keys list` shows it")], store: StoreOption = None
) -> None:
    """Close a key for good; its jobs stay."""
    closed = open_store(store).revoke_key(key)
    Console().print(f"{key} is revoked" if closed else f"{key} was revoked before", markup=False)


def _number(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"
