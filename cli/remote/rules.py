"""Which actions may follow each other, and which options belong to which."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import click

from cli.remote.options import WORK, Action, Wanted

_RUNS: Final = frozenset({Action.EXPERIMENT})
_MADE_READY: Final = frozenset({Action.SETUP, Action.EXPERIMENT})
_ENDS: Final = frozenset({Action.STOP, Action.TERMINATE})
# Options by their parameters' names; what is missing suits every action.
BELONGS: Final[Mapping[str, frozenset[Action]]] = {
    "launchspec": frozenset({Action.CREATE}),
    "market": frozenset({Action.CREATE}),
    "user": WORK,
    "docker": _MADE_READY,
    "git": _MADE_READY,
    "branch": _MADE_READY,
    "commit": _MADE_READY,
    "module": _MADE_READY,
    "results_path": _RUNS,
    "bucket": _RUNS,
    "log_path": _RUNS,
    "name": _RUNS,
    "detach": _RUNS,
    "tags": WORK | {Action.TAG},
    "afterwards": WORK,
    "max_hours": WORK,
    "idle_minutes": WORK,
    "wait_minutes": WORK,
    "stale": frozenset({Action.TERMINATE}),
    "yes": _ENDS,
}


def of_use(option: str, first: Action) -> bool:
    """Whether an option may be of use in a call that begins with that action."""
    if option == "instance":
        return first is not Action.CREATE
    if option == "stale":
        return first is Action.TERMINATE
    follow = frozenset({first}) if first is Action.TERMINATE else frozenset(Action)
    if first is not Action.CREATE:
        follow -= {Action.CREATE}
    return not follow.isdisjoint(BELONGS.get(option, {first}))


def check(wanted: Wanted, typed: Collection[str], *, local: bool = False) -> None:
    """See that a call makes sense; `typed` are the parameters that somebody wrote.

    `local`: it is about the embedded stack.

    Raises:
        click.UsageError: it does not; the text says what to write instead.

    """
    _check_actions(wanted)
    if wanted.docker in set(Action):
        message = (
            f"--docker takes {wanted.docker!r} for its image: write the actions before the options"
        )
        raise click.UsageError(message)
    if local and wanted.user is not None:
        message = "the embedded stack's machines cannot be logged in to: leave out --user"
        raise click.UsageError(message)
    for name in typed:
        belongs = BELONGS.get(name)
        if belongs is not None and not belongs & set(wanted.actions):
            of = " or ".join(action for action in Action if action in belongs)
            message = f"--{name.replace('_', '-')} is for {of}: add the action, or leave it out"
            raise click.UsageError(message)
    if wanted.stale:
        _check_stale(wanted, typed)
    else:
        _check_machine(wanted)
    _check_details(wanted)


def _check_actions(wanted: Wanted) -> None:
    actions = wanted.actions
    for action in actions:
        if actions.count(action) > 1:
            message = f"{action} is there twice: one call does each action once"
            raise click.UsageError(message)
    if Action.CREATE in actions[1:]:
        message = "create comes first: what is done to a machine comes after it"
        raise click.UsageError(message)
    if actions[0] is Action.CREATE and Action.START in actions:
        message = "a machine that was just created runs: leave out start"
        raise click.UsageError(message)
    if Action.TERMINATE in actions[:-1]:
        message = "nothing can be done to a machine after terminate: put it last"
        raise click.UsageError(message)
    for number, action in enumerate(actions):
        _check_order(action, actions[:number])


def _check_order(action: Action, before: Sequence[Action]) -> None:
    """An action, and those that stand before it."""
    if action is Action.START and _MADE_READY & set(before):
        message = f"what is started was not ready for {before[-1]}: put start before it"
        raise click.UsageError(message)
    if action is Action.SETUP and Action.EXPERIMENT in before:
        message = "setup makes ready what experiment needs: put it before experiment"
        raise click.UsageError(message)
    if action in _MADE_READY and Action.STOP in before and Action.START not in before:
        message = f"a machine that is stopped does no {action}: add start, or put stop last"
        raise click.UsageError(message)


def _check_machine(wanted: Wanted) -> None:
    if wanted.creates and wanted.instance is not None:
        message = "create makes a machine, --instance names one that is there: leave out either"
        raise click.UsageError(message)
    if wanted.creates and wanted.launchspec is None:
        message = (
            "which machine? --launchspec FILE: what aws ec2 describe-spot-instance-requests "
            "prints, or an object with ImageId and InstanceType"
        )
        raise click.UsageError(message)
    if not wanted.creates and wanted.instance is None:
        message = "which machine? --instance with its id or its name, or begin with create"
        raise click.UsageError(message)


def _check_stale(wanted: Wanted, typed: Collection[str]) -> None:
    if wanted.actions != (Action.TERMINATE,) or {"instance", "tags"} & set(typed):
        message = "--stale ends what should have ended: remote terminate --stale, and nothing else"
        raise click.UsageError(message)


def _check_details(wanted: Wanted) -> None:
    if wanted.arguments and Action.EXPERIMENT not in wanted.actions:
        message = "words behind -- are for experiment: add the action, or leave them out"
        raise click.UsageError(message)
    if Action.TAG in wanted.actions and not wanted.tags:
        message = "tag needs --tags K=V"
        raise click.UsageError(message)
    stops = wanted.afterwards == "stop" or Action.STOP in wanted.actions
    if stops and wanted.creates and wanted.market == "spot":
        message = (
            "a spot machine cannot be stopped, since its request is one-time: --market on-demand, "
            "or terminate it"
        )
        raise click.UsageError(message)
    if wanted.detach and wanted.actions[-1] is not Action.EXPERIMENT:
        message = f"--detach leaves the experiment running: {wanted.actions[-1]} cannot follow"
        raise click.UsageError(message)
    if wanted.json and Action.EXPERIMENT in wanted.actions and not wanted.detach:
        message = "--json and the log are two kinds of output: --detach, or leave out --json"
        raise click.UsageError(message)
    if wanted.branch is not None and wanted.git is None:
        message = "--branch of what? --git URL, or WORKSPACE/SLUG"
        raise click.UsageError(message)
    if wanted.commit is not None and wanted.git is None:
        message = "--commit of what? --git WORKSPACE/SLUG"
        raise click.UsageError(message)
