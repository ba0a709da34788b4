"""The command `remote list`: machines of one's own, found by their tags."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from cli.account import Account, account_options
from cli.examples import example
from cli.remote.costing import AwsTariff, Cost, cost
from cli.remote.known import Known, known
from cli.remote.machine import Ec2
from cli.remote.stale import why_stale
from cli.remote.telling import as_json
from cli.runs.wording import SHORT, asks
from cli.runs.wording import state as state_of_run
from cli.shown import age, command, printable, table

# All but the last fit into 80 columns, where names are short.
HEAD = ("NAME", "STATE", "AGE", "ENDS", "COST", "TYPE", "INSTANCE", "RUNS")
_LONGEST_NAME = 20
_LONGEST_RUN = 60
_CENTS_OF_CENTS = 4


@dataclass(frozen=True)
class Listed:
    """A machine in the list: what is known of it, its cost, and why it is stale, if it is."""

    known: Known
    cost: Cost
    stale: str | None
    now: datetime

    def row(self) -> tuple[str, ...]:
        """Its row in the table."""
        machine = self.known.machine
        spot = " spot" if machine.market == "spot" else ""
        return (
            _cut(machine.name or "-", _LONGEST_NAME),
            # What runs and is not stale is all right.
            "stale" if self.stale else machine.state,
            age(self.now - machine.launched_at) if self.known.up else "-",
            self._ends() if self.known.up else "-",
            str(self.cost),
            f"{machine.instance_type}{spot}",
            machine.instance_id,
            _cut(self._runs(), _LONGEST_RUN),
        )

    def notes(self) -> Sequence[str]:
        """What the row has no room for."""
        said = (self.stale and f"stale: {self.stale}", self.cost.note)
        return [printable(f"{self.known.machine.told}: {note}") for note in said if note]

    def as_json(self) -> dict[str, Any]:
        """The same for programs; what is not known is null."""
        run, usd = self.known.run, self.cost.usd
        return {
            **as_json(self.known.machine),
            "run_state": run and run.state,
            "module": run and run.asked.module,
            "arguments": run and run.asked.arguments,
            "cost_usd": None if usd is None else float(round(usd, _CENTS_OF_CENTS)),
            "cost_note": self.cost.note,
            "stale": self.stale,
        }

    def _ends(self) -> str:
        ends_at = self.known.machine.ends_at
        if ends_at is None:
            return "?"
        late = self.now - ends_at
        return f"in {age(-late)}" if ends_at > self.now else f"{age(late)} ago"

    def _runs(self) -> str:
        run_id, run = self.known.machine.run_id, self.known.run
        if run_id is None:
            return "-"
        return f"{run_id[:SHORT]} " + ("?" if run is None else f"{state_of_run(run)}: {asks(run)}")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


@click.command(
    "list", epilog=example("cloud-runner remote list", "cloud-runner remote list --all --json")
)
@account_options
@click.option("--all", "all_wanted", is_flag=True, help="Also those that EC2 has terminated.")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def list_machines(account: Account, *, all_wanted: bool, json_wanted: bool) -> None:
    """List machines of one's own: age, end, cost so far, what each runs, and which are stale.

    They are found by their tags, whoever made them and wherever. Age and cost are since the latest
    start. The cost, in USD, is that of the machine's time, by the spot price history or the public
    price list: disks, addresses and traffic come on top. What cannot be known is "?".
    """
    ec2, now = Ec2.of(account), datetime.now(UTC)
    found = known(ec2, account.find())
    shown = [one for one in found if all_wanted or one.machine.state != "terminated"]
    tariff = AwsTariff(account)
    listed = [Listed(one, cost(one.time, now, tariff), why_stale(one, now), now) for one in shown]
    if json_wanted:
        click.echo(json.dumps([one.as_json() for one in listed], indent=2))
        return
    if not listed:
        others = "" if all_wanted else " (--all: also those that were terminated within the hour)"
        click.echo(f"no machines in {ec2.stack_tag}, {account.region}{others}", err=True)
        return
    _show(account, listed)


def _show(account: Account, listed: Sequence[Listed]) -> None:
    for line in table(HEAD, [one.row() for one in listed]):
        click.echo(line)
    notes = [note for one in listed for note in one.notes()]
    click.echo("", err=True)
    for note in notes:
        click.echo(note, err=True)
    if any(one.stale for one in listed):
        ending = command(account, "remote", "terminate", "--stale")
        click.echo(f"to end what is stale: {ending}", err=True)
