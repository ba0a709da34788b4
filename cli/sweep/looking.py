"""The commands `sweep list`, `show` and `stop`."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import click

from cli.account import Account, account_options
from cli.asking import reaching
from cli.examples import example
from cli.requests import Requests
from cli.shown import command, printable, table
from cli.sweep.finding import newest, sweep_of
from cli.sweep.listing import HEAD, as_json, page, row
from cli.sweep.loading import SweepReference, load
from cli.sweep.results import Results, count, read
from cli.sweep.results import as_json as point_as_json
from cli.sweep.sending import stop_run
from shared.sweep_results import SweepResults

reference_argument = click.argument("reference", type=SweepReference(), metavar="SWEEP")
json_option = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")


def tell_notes(found: Iterable[Results]) -> None:
    """Say what could not be read, beside what is printed for people or programs."""
    for note in (note for results in found for note in results.notes):
        click.echo(printable(note), err=True)


@click.command(
    "list",
    epilog=example("cloud-runner sweep list --local", "cloud-runner sweep list --limit 5 --json"),
)
@account_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many sweeps to show.",
)
@json_option
def list_sweeps(account: Account, *, limit: int, json_wanted: bool) -> None:
    """List the newest sweeps, of commands and of commits.

    They are found among the 2,000 records of runs that changed last; of an older sweep that still
    goes on not all points may be counted. `sweep show` counts all.
    """
    deployed = account.deployed()
    bucket, s3 = deployed.output("DataBucket"), account.client("s3")
    with reaching("listing sweeps"):
        newest_sweeps = newest(Requests(account, deployed).records)[:limit]
        found = [(one, count(one, SweepResults(s3, bucket, one.place))) for one in newest_sweeps]
    tell_notes(results for _, results in found)
    if json_wanted:
        click.echo(json.dumps([as_json(*one) for one in found], indent=2))
        return
    if not found:
        click.echo(f"no sweeps yet: {command(account, 'sweep', 'run', '@sweep.yaml')}")
        return
    now = datetime.now(UTC)
    for line in table(HEAD, [row(*one, now) for one in found]):
        click.echo(line)


@click.command(
    epilog=example("cloud-runner sweep show 4f2a77c1", "cloud-runner sweep show 4f2a77c1 --json")
)
@reference_argument
@account_options
@json_option
def show(account: Account, reference: str, *, json_wanted: bool) -> None:
    """Show a sweep: how far it is, its waves, its best points."""
    known, stored = load(account, reference)
    with reaching("reading the results"):
        results = read(known, stored)
    tell_notes([results])
    if json_wanted:
        best = [point_as_json(one) for one in results.best()[:10]]
        click.echo(json.dumps({**as_json(known, results), "best_points": best}, indent=2))
        return
    for line in page(known, results, datetime.now(UTC)):
        click.echo(line)
    click.echo(f"\nall points: {command(account, 'sweep', 'results', known.sweep_id)}")
    if known.open:
        click.echo(f"to stop it: {command(account, 'sweep', 'stop', known.sweep_id)}")


@click.command(epilog=example('cloud-runner sweep stop 4f2a77c1 --why "a wrong data set"'))
@reference_argument
@account_options
@click.option(
    "--why", default="asked on the command line", show_default=True, help="What others will read."
)
def stop(account: Account, reference: str, *, why: str) -> None:
    """Stop a sweep: what waits never starts, what runs is ended, what is done stays.

    A command that watches the sweep sends nothing more, and ends.
    """
    known, _ = load(account, reference)
    requests = Requests(account, account.deployed())
    batch = account.client("batch")
    stopped = 0
    with reaching("stopping the sweep"):
        for run in known.runs:
            if not run.final and stop_run(requests, batch, run.run_id, why):
                stopped += sweep_of(run).size
    if not stopped:
        message = f"the sweep {known.sweep_id} is over already ({known.state})"
        raise click.ClickException(message)
    click.echo(f"stopping {known.sweep_id}: of {stopped:,} points those that are not done")
    click.echo(f"see it end: {command(account, 'sweep', 'show', known.sweep_id)}")
