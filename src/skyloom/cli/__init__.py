"""The `skyloom` command.

COMMANDS is the whole of it: a command's module is imported when that command is asked for, so that help is instant.
An error that Skyloom raises on purpose is one red line on stderr and exit status 2.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from skyloom.errors import SkyloomError, nearest_name

COMMANDS = {
    "generate": ("skyloom.cli.generate:generate", "Make a video from a prompt."),
    "image": ("skyloom.cli.generate:image", "Make a picture from a prompt."),
    "animate": ("skyloom.cli.animate:animate", "Set a picture in motion, or lead from picture to picture."),
    "extend": ("skyloom.cli.joins:extend", "Go on after a video, or lead up to it."),
    "connect": ("skyloom.cli.joins:connect", "Lead from one video to another."),
    "loop": ("skyloom.cli.joins:loop", "Make a video that can be repeated without end."),
    "interpolate": ("skyloom.cli.interpolate:interpolate", "Fill in frames: more of them a second."),
    "storyboard": ("skyloom.cli.storyboard:storyboard", "Make a film of shots, from a YAML or JSON file."),
    "edit": ("skyloom.cli.edit:edit", "Change a video: by command, by style, within a mask, around its edges."),
    "info": ("skyloom.cli.info:info", "Tell what a checkpoint or a video is made of."),
    "verify": ("skyloom.cli.verify:verify", "Tell whether a file came from Skyloom, and whether it was changed."),
    "world": ("skyloom.cli.world:world", "Render clips of the simulated world."),
    "serve": ("skyloom.cli.serve:serve", "Answer OpenAI's Videos API on your own machine."),
    "train": ("skyloom.cli:train_app", "Train the networks of a checkpoint, or go on training."),
    "caption": ("skyloom.cli.caption:caption", "Tell what videos show."),
    "evaluate": ("skyloom.cli.evaluate:evaluate", "Grade a checkpoint against the simulator's truth."),
    "bench": ("skyloom.cli.bench:bench", "Time every stage of a generation on this machine."),
    "work": ("skyloom.cli.work:work", "Make what the server's users ask for."),
    "keys": ("skyloom.cli.keys:keys", "Make, list and revoke the server's API keys."),
}
TRAIN = {
    "autoencoder": ("skyloom.cli.train:train_autoencoder", "First stage: pixels to latents and back."),
    "transformer": ("skyloom.cli.train:train_transformer", "Second stage: words to latents."),
    "planner": ("skyloom.cli.planner:train_planner", "Beside the second: words to where actors go."),
    "locator": ("skyloom.cli.locator:train_locator", "Beside the second: latents to where named actors are."),
    "few-step": ("skyloom.cli.few_step:train_few_step", "After the second: 1 to 8 steps in place of 20."),
    "causal": ("skyloom.cli.causal:train_causal", "After the second: frames one after another, for streams."),
    "decoder": ("skyloom.cli.train:train_decoder", "Third stage: better pictures from the same latents."),
    "oracle": ("skyloom.cli.readers:train_oracle", "Aside: the judge, on renders."),
    "captioner": ("skyloom.cli.readers:train_captioner", "Aside: videos to words, on renders."),
    "phyworld": ("skyloom.cli.phyworld:train_phyworld", "Apart: laws of motion, from three frames on."),
    "words": ("skyloom.cli.words:words", "For a bare machine: the text encoder with a world's words only."),
    "pack": ("skyloom.cli.pack:pack", "Put finished networks into a checkpoint folder."),
}
"""Name: where its function (or typer app) lives, and its line in the help."""


def load_command(name: str, table: dict[str, tuple[str, str]] = COMMANDS) -> Any:
    """Import a command of a table."""
    module, _, attribute = table[name][0].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        app.command(name)(found)
        found = app
    command = typer.main.get_command(found)
    command.name = name
    return command


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and imports only the one that runs."""

    table = COMMANDS

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names, in the table's order."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a light stand-in: its name and its line in the help."""
        return TyperCommand(cmd_name, help=self.table[cmd_name][1]) if cmd_name in self.table else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is to run; a misspelt one ends with the nearest name."""
        nearest = nearest_name(args[0], self.table)
        if args[0] not in self.table and nearest:
            ctx.fail(f"No such command '{args[0]}'. Nearest: '{nearest}'.")
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(str(name), self.table), rest

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run, with Skyloom's own errors told in one line."""
        try:
            return super().main(*args, **settings)
        except SkyloomError as error:
            Console(stderr=True, soft_wrap=True).print(Text(f"error: {error}", style="red"), highlight=False)
            sys.exit(2)


class TrainGroup(LazyGroup):
    """The stages of training."""

    table = TRAIN


SETTINGS: dict[str, Any] = {
    "add_completion": False,
    "no_args_is_help": True,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "markdown",
}
app = typer.Typer(cls=LazyGroup, **SETTINGS)
train_app = typer.Typer(cls=TrainGroup, **SETTINGS)


@train_app.callback()
def stages() -> None:
    """Train the networks of a checkpoint, or go on training: the same command again resumes."""


@app.callback()
def commands() -> None:
    """Make videos from words, on your own machine.

    In Python: `skyloom.write_video(skyloom.load().generate("a fox runs on the beach"), "fox.mp4")`
    """


def main() -> None:
    """Run the command line."""
    app(prog_name="skyloom")
