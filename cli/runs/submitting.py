"""The command `runs submit`: what keywords ask for, without a commit message."""

import json
import re
import uuid
from collections.abc import Sequence
from pathlib import Path

import click

from cli.account import Account, account_options
from cli.asking import reaching
from cli.examples import example
from cli.limits import limits
from cli.requests import Source, find_source
from cli.runs.arguments import join
from cli.runs.stack import RunsStack
from cli.runs.watching import watch_run
from cli.runs.wording import as_json, asks
from cli.shown import command
from cli.typed import FullName
from cli.working_copy import WorkingCopy
from services.parser.keywords import Keywords, Limits, read
from shared.errors import Rejected
from shared.events import Asked, RunId
from shared.hydra import ArgumentError
from shared.runs import Run

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,100}")


@click.command(
    epilog=example(
        "cloud-runner runs submit",
        "cloud-runner runs submit --gpus 1 --watch -- train --force",
        "cloud-runner runs submit --experiment --ref main -- -S 'note=two words'",
        "cloud-runner runs submit --repository my-team/churn --request-id nightly-2026-11-20",
    )
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS...]")
@account_options
@click.option(
    "--repository",
    type=FullName(),
    help="The repository.  [default: that of the working copy around here]",
)
@click.option(
    "--ref",
    metavar="REF",
    help="A branch, a tag or a commit that Bitbucket has.  [default: the working copy's branch, "
    "else the main branch]",
)
@click.option("--gpus", metavar="N", help="Number of GPUs, instead of the project's.")
@click.option("--memory", metavar="MIB", help="MiB of memory, instead of the project's.")
@click.option("--vcpus", metavar="N", help="Number of vCPUs, instead of the project's.")
@click.option("--experiment", is_flag=True, help="dvc exp run instead of dvc repro.")
@click.option(
    "--request-id",
    metavar="ID",
    help="What this request is known by: asking twice with one is asking once.  [default: a new "
    "one]",
)
@click.option("--watch", is_flag=True, help="Watch the run until it is over.")
@click.option("--json", "json_wanted", is_flag=True, help="Print the run as JSON.")
def submit(
    account: Account,
    words: Sequence[str],
    *,
    repository: str | None,
    ref: str | None,
    gpus: str | None,
    memory: str | None,
    vcpus: str | None,
    experiment: bool,
    request_id: str | None,
    watch: bool,
    json_wanted: bool,
) -> None:
    """Ask for a run of a commit, as keywords in its message would.

    ARGS go to DVC; write them behind --. The commit is one that Bitbucket has: push it first.
    """
    if watch and json_wanted:
        message = "--watch and --json are two kinds of output: leave out one"
        raise click.UsageError(message)
    request = _request_id(request_id)
    copy = WorkingCopy.find(Path.cwd())
    full_name = repository or _repository_of(copy)
    stack = RunsStack.of(account)
    numbers = {"gpus": gpus, "memory": memory, "vcpus": vcpus}
    asked = read_options(
        words,
        {name: text for name, text in numbers.items() if text is not None},
        stack.deployed.output("KeywordPrefix"),
        limits(stack.deployed),
        experiment=experiment,
    )
    if ref is None and copy is not None and copy.full_name() == full_name:
        ref = copy.branch()
    source = find_source(account, stack.deployed, full_name, ref)
    _say_if_elsewhere(copy, source)
    click.echo(f"request {request}", err=True)
    with reaching("asking for the run"):
        run = stack.requests.ask(request, asked, source)
    _tell(stack, run, asked, json_wanted=json_wanted)
    if watch:
        watch_run(stack, run)


def read_options(
    words: Sequence[str],
    numbers: dict[str, str],
    prefix: str,
    most: Limits,
    *,
    experiment: bool = False,
) -> Asked:
    """What keywords with these arguments and numbers would ask for, read by the parser's own code.

    Raises:
        click.UsageError: they ask in a way that cannot be read, or for too much; the text says what
            to write instead.

    """
    try:
        arguments = join(words)
        if "\n" in arguments:
            message = "an argument has a line's end in it, which a keyword has no room for"
            raise click.UsageError(message)
        names = Keywords(prefix)
        told = {"gpus": names.gpus, "memory": names.memory, "vcpus": names.vcpus}
        lines = [f":{names.run}: {arguments}"]
        lines += [f":{names.experiment}:"] if experiment else []
        # An empty number is none; the keyword without one would have a meaning.
        lines += [f":{told[option]}: {text or '-'}" for option, text in numbers.items()]
        asked = read("\n".join(lines), prefix, most, RunId(""))
    except (ArgumentError, Rejected) as error:
        raise click.UsageError(str(error)) from error
    if asked is None:  # a run keyword always asks for a run
        message = "nothing was asked for"
        raise click.UsageError(message)
    return asked


def _request_id(given: str | None) -> str:
    if given is None:
        return str(uuid.uuid4())
    if not _REQUEST_ID.fullmatch(given):
        message = "a request id is 1 to 100 printable ASCII characters without spaces"
        raise click.BadParameter(message, param_hint="--request-id")
    return given


def _repository_of(copy: WorkingCopy | None) -> str:
    found = None if copy is None else copy.full_name()
    if found is None:
        message = "which repository? --repository WORKSPACE/SLUG, or be in a clone of it"
        raise click.UsageError(message)
    return found


def _say_if_elsewhere(copy: WorkingCopy | None, source: Source) -> None:
    """Warn somebody whose working copy is ahead of what will run."""
    if copy is None or copy.full_name() != source.repository.full_name.lower():
        return
    if copy.branch() == source.branch and copy.head() != source.commit:
        click.echo(
            f"note: Bitbucket has {source.branch} at {source.commit[:12]}, your working copy at "
            f"{copy.head()[:12]}: what you have not pushed does not run",
            err=True,
        )


def _tell(stack: RunsStack, run: Run, asked: Asked, *, json_wanted: bool) -> None:
    if run.asked != asked:
        click.echo(
            f"note: this request id has asked for something else before, which stands: {asks(run)}",
            err=True,
        )
    if json_wanted:
        click.echo(json.dumps(as_json(run), indent=2))
        return
    where = f"{run.branch} at {(run.commit or '')[:12]}"
    click.echo(f"{run.run_id}  {run.state}  {where}  {asks(run)}")
    click.echo(f"to watch it: {command(stack.account, 'runs', 'watch', run.run_id)}", err=True)
