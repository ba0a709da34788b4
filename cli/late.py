"""Commands that are loaded when they are called: what a Tab or `--help` shows is known without."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem


@dataclass(frozen=True)
class Place:
    """Where a command is, as `module:name`, and the first sentence of its help."""

    where: str
    says: str

    def load(self) -> click.Command:
        """The command itself."""
        module, _, name = self.where.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


class LateGroup(click.Group):
    """A group of commands by their places; those of `commands` are loaded."""

    def __init__(self, *args: Any, places: Mapping[str, Place], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all, loaded or not."""
        return sorted({*self.places, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, which is loaded for it."""
        if cmd_name in self.places and cmd_name not in self.commands:
            self.commands[cmd_name] = self.places[cmd_name].load()
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help, none of them loaded."""
        self._announced().format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What may be typed instead of `incomplete`, nothing loaded."""
        announced = self._announced()
        # click asks the context's group for its commands.
        context = click.Context(announced, help_option_names=ctx.help_option_names)
        return announced.shell_complete(context, incomplete)

    def _announced(self) -> click.Group:
        """A group like this one, of commands that can be shown and not called."""
        shown = {name: click.Command(name, help=place.says) for name, place in self.places.items()}
        return click.Group(self.name, commands={**shown, **self.commands}, params=self.params)
