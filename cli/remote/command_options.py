"""The options of `remote`, the same of each action, and how they become what is wanted."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from cli.remote import options_values as values
from cli.remote.options import DEFAULT_LOG_PATH, PROJECTS_IMAGE, Action, Afterwards, Market, Wanted

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _read(read: Callable[[Any], Any]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    return lambda _context, _parameter, value: read(value)


_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option("--instance", metavar="ID|NAME", help="A machine that is there."),
    click.option(
        "--launchspec",
        type=click.Path(dir_okay=False, path_type=Path),
        help="What to make: JSON, as aws ec2 describe-spot-instance-requests prints it.",
    ),
    click.option(
        "--market",
        type=click.Choice(get_args(Market)),
        default="spot",
        show_default=True,
        help="How to pay for what is made.",
    ),
    click.option(
        "--user",
        metavar="NAME",
        callback=_read(values.user),
        help="Log in by SSH as this user, with host keys checked, instead of Systems Manager.",
    ),
    click.option(
        "--docker",
        is_flag=False,
        flag_value=PROJECTS_IMAGE,
        metavar="[IMAGE]",
        callback=_read(values.image),
        help="Run in a container.  [default image: the project's]",
    ),
    click.option(
        "--git",
        metavar="URL|WORKSPACE/SLUG",
        help="The repository to run; one of the stack's Bitbucket runs as its jobs do.",
    ),
    click.option("--branch", metavar="NAME", help="Its branch.  [default: the main one]"),
    click.option("--commit", metavar="SHA", help="Its commit.  [default: the branch's latest]"),
    click.option(
        "--module",
        metavar="MODULE",
        callback=_read(values.module),
        help="What to run, as python3 -m MODULE ARGS.  [default for a project: DVC]",
    ),
    click.option(
        "--results-path",
        metavar="A:B:C",
        callback=_read(values.results_paths),
        help="Files and folders to store with the log.",
    ),
    click.option(
        "--bucket",
        metavar="NAME[/PREFIX]",
        callback=_read(values.bucket),
        help="Where to store them.  [default: the stack's data bucket, under remote/]",
    ),
    click.option(
        "--log-path",
        default=DEFAULT_LOG_PATH,
        show_default=True,
        callback=_read(values.absolute),
        help="The log, on the machine.",
    ),
    click.option(
        "--name",
        callback=_read(values.archive_name),
        help="What is stored is called NAME.tar.gz.  [default: the time of its end, in UTC]",
    ),
    click.option(
        "--tags",
        multiple=True,
        metavar="K=V,...",
        callback=_read(values.tags),
        help="Tags of the machine; may be given several times.",
    ),
    click.option(
        "--notify",
        metavar="URL",
        callback=_read(values.notify),
        help="Where to POST, over HTTPS, how it ended.",
    ),
    click.option(
        "--afterwards",
        type=click.Choice(get_args(Afterwards)),
        help="What becomes of the machine.  [default: terminate what was created, stop what was "
        "given]",
    ),
    click.option(
        "--max-hours",
        type=click.FloatRange(0.05, 720),
        default=24.0,
        show_default=True,
        help="When the machine ends itself at the latest, from now; one that runs keeps the end "
        "that it has, unless this is said.",
    ),
    click.option(
        "--idle-minutes",
        type=click.IntRange(0, 43_200),
        default=30,
        show_default=True,
        help="When it ends itself without an experiment; 0: not for that.",
    ),
    click.option(
        "--wait-minutes",
        type=click.FloatRange(0.05, 120),
        default=10.0,
        show_default=True,
        help="How long to wait for the machine.",
    ),
    click.option("--detach", is_flag=True, help="Do not watch the experiment."),
    click.option("--stale", is_flag=True, help="All machines that should have ended."),
    click.option("--yes", is_flag=True, help="Do not ask."),
    click.option("--json", "json_wanted", is_flag=True, help="Print the machine as JSON."),
)


def machine_options(command: _Command) -> _Command:
    """All options but those that name an account."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wanted_of(
    actions: Sequence[Action], arguments: Sequence[str], given: Mapping[str, Any]
) -> Wanted:
    """What is wanted; `given` are the options' values by their parameters' names."""
    rest = dict(given)
    bucket, prefix = rest.pop("bucket")
    return Wanted(
        tuple(actions),
        tuple(arguments),
        bucket=bucket,
        prefix=prefix,
        results_paths=rest.pop("results_path"),
        json=rest.pop("json_wanted"),
        **rest,
    )
