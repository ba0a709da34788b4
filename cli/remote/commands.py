"""The group `remote`: a command for each action, all of one kind, and `list`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from cli.account import Account, account_options
from cli.asking import asking
from cli.examples import example
from cli.late import LateGroup, Place
from cli.remote import rules
from cli.remote.command_options import machine_options, wanted_of
from cli.remote.command_texts import MORE, TEXTS, Text
from cli.remote.options import Action, Wanted

_BEHIND: Final = "cli.remote.behind"


class _ActionName(click.ParamType):
    """An action by its name; no Choice, whose names would all stand in the usage."""

    name = "action"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Action:
        """The action, or click's words for what is none."""
        try:
            return Action(str(value))
        except ValueError:
            known = ", ".join(Action)
            self.fail(f"{value!r} is none of {known}; arguments stand behind --", param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The actions that begin so."""
        del ctx, param
        return [CompletionItem(name) for name in Action if name.startswith(incomplete)]


class _ActionCommand(click.Command):
    """A command that keeps the words behind `--` apart from those before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what is before the first `--`."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_BEHIND] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])


@click.group(
    cls=LateGroup,
    places={
        "list": Place(
            "cli.remote.listing:list_machines",
            "List machines of one's own: age, end, cost so far, what each runs, and which are "
            "stale.",
        )
    },
    epilog=example(
        "cloud-runner remote create setup experiment --launchspec gpu.json --module train.main",
        "cloud-runner remote list",
        "cloud-runner remote terminate --stale",
    ),
)
def remote() -> None:
    """One EC2 instance of one's own, which always ends itself.

    Several actions in one call are done in their order. docs/remote.md tells of all of it.
    """


def _command(action: Action, text: Text) -> click.Command:
    @click.command(action.value, cls=_ActionCommand, epilog=example(*text.typed))
    @click.argument("then", nargs=-1, type=_ActionName(), metavar="[THEN]... [-- ARGS]...")
    @account_options
    @machine_options
    @click.pass_context
    def command(context: click.Context, /, account: Account, **given: Any) -> None:
        actions = (action, *given.pop("then"))
        wanted = wanted_of(actions, context.meta.get(_BEHIND, ()), given)
        sources = {name: context.get_parameter_source(name) for name in given}
        typed = [name for name, source in sources.items() if source is ParameterSource.COMMANDLINE]
        rules.check(wanted, typed, local=account.local is not None)
        _do(account, replace(wanted, new_end="max_hours" in typed))

    command.help = f"{_dedented(text.says)}\n\n{MORE}"
    for param in command.params:
        if isinstance(param, click.Option):
            # Typed all the same it is refused in words that say where it belongs.
            param.hidden = not rules.of_use(param.name or "", action)
    return command


def _do(account: Account, wanted: Wanted) -> None:
    # The help needs nothing of it.
    if wanted.stale:
        from cli.remote.stale import end_stale  # noqa: PLC0415

        with asking("describing the stack"):
            deployed = account.find()
        end_stale(account, deployed, yes=wanted.yes, json_wanted=wanted.json)
        return
    from cli.remote.engine import run  # noqa: PLC0415
    from cli.remote.telling import as_json  # noqa: PLC0415

    machine = run(wanted, account)
    if wanted.json:
        click.echo(json.dumps(as_json(machine), indent=2))
    else:
        click.echo(machine.instance_id)


def _dedented(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _commands() -> Sequence[click.Command]:
    return [_command(action, text) for action, text in TEXTS.items()]


for one in _commands():
    remote.add_command(one)
