"""How far a call of `remote` has come, and with which machine."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import click

from cli.asking import AccountError, reaching
from cli.remote.agent_calls import Agent, Checked
from cli.remote.arming import arm, look
from cli.remote.ending import How
from cli.remote.given import see_to_shutdown
from cli.remote.later_end import busy, later_end
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.options import Wanted
from cli.remote.preparing import Prepared, needed
from cli.remote.reach import reach_for
from cli.remote.tagging import tags_of, write_tags
from cli.remote.terms import terms
from shared import machine_tags
from shared.events import RunId


@dataclass
class Course:
    """A call under way."""

    prepared: Prepared
    machine: MachineFacts | None = None
    # What this call did to the machine, which it has to undo if it comes to nothing.
    brought: Literal["created", "started"] | None = None
    # Whether its watchdog has been heard of, on whatever terms.
    guarded: bool = False
    # The same, on the terms of this call.
    watched: bool = False
    # What shutting it down does; None: nobody knows.
    shutdown: How | None = None
    # Whether its agent may have heard what to run.
    ordered: bool = False
    # The run that it has begun: from then on the machine ends itself.
    run_id: RunId | None = None
    agent: Agent | None = None

    @property
    def wanted(self) -> Wanted:
        """What is to be done."""
        return self.prepared.wanted

    @property
    def ec2(self) -> Ec2:
        """Where machines are."""
        return self.prepared.ec2

    def has(self) -> MachineFacts:
        """The machine, which the action before has made, or which was given."""
        if self.machine is None:
            message = "there is no machine yet: begin with create, or name one with --instance"
            raise AccountError(message)
        return self.machine

    def left(self, since: float) -> float:
        """How much of --wait-minutes is left in seconds, of a wait that began then."""
        return max(0.0, since + self.wanted.wait_minutes * 60 - self.ec2.waiting.monotonic())

    def reach(self, seconds: float) -> Agent:
        """The agent of the machine, once the machine can be reached.

        Raises:
            Unreachable: it cannot be reached after so long.

        """
        if self.agent is None:
            reach = reach_for(self.ec2.account, self.has(), self.wanted.user)
            reach.ready(seconds)
            self.agent = Agent(reach)
        return self.agent

    def terms(self) -> dict[str, Any]:
        """What the watchdog is told."""
        machine = self.has()
        return terms(
            self.wanted,
            region=self.ec2.account.region,
            name=machine.name,
            left=self._left_to_live(datetime.now(UTC)),
            instance=machine.instance_id,
        )

    def mark(self) -> None:
        """Make a machine that was given known for ours, and see what shutting it down means."""
        machine, now = self.has(), datetime.now(UTC)
        ends_at = now + self._left_to_live(now)
        with reaching(f"taking over {machine.told}"):
            self.shutdown = see_to_shutdown(self.ec2, machine, self.wanted.then)
            origin = machine.origin or "given"
            tags = tags_of(
                self.wanted, needed(self.prepared.owner), origin=origin, name=None, ends_at=ends_at
            )
            write_tags(self.ec2, machine.instance_id, tags)
        name = self.wanted.tags.get(machine_tags.NAME, machine.name)
        self.machine = replace(machine, origin=origin, ends_at=ends_at, name=name)

    def take(self) -> Agent:
        """Take over a machine that was given and runs, unless that was done; its agent."""
        agent = self.reach(self.wanted.wait_minutes * 60)
        if not self.watched:
            checked = self._look(agent)
            if checked is not None and checked.busy is not None:
                raise busy(self.ec2.account, self.wanted, self.has(), checked.busy)
            self.mark()
            kept = self._kept_end(datetime.now(UTC))
            if kept is not None:
                message = (
                    f"note: {self.has().told} ends at {kept:%Y-%m-%d %H:%M} UTC at the latest, as "
                    "was said before: --max-hours sets that anew"
                )
                click.echo(message, err=True)
            self.arm(agent)
        return agent

    def renew(self, agent: Agent) -> None:
        """Set new terms for a machine that runs; while it is busy, no more than a later end.

        Raises:
            AccountError: it is busy, and something else would change under what runs there.

        """
        checked = self._look(agent)
        if checked is None or checked.busy is None:
            self.mark()
            self.arm(agent)
            return
        owner, machine = needed(self.prepared.owner), self.has()
        ends_at = later_end(self.wanted, owner, machine, checked, datetime.now(UTC))
        if ends_at is None:
            raise busy(self.ec2.account, self.wanted, machine, checked.busy)
        self._put_off(agent, ends_at)

    def arm(self, agent: Agent) -> None:
        """Put the agent there, and let a new watchdog live by the terms of this call."""
        # The one before it may have ended when the new one does not come to live.
        self.guarded = False
        self.watch(arm(agent, self.terms()))

    def watch(self, ends_at: datetime | None) -> None:
        """Note that the machine's watchdog lives, and when it ends the machine at the latest."""
        machine = self.has()
        self.guarded = self.watched = True
        ends_at = ends_at or machine.ends_at
        if ends_at is not None and ends_at != machine.ends_at:
            with reaching("tagging the machine with its end"):
                tag = {machine_tags.ENDS: machine_tags.ends(ends_at)}
                write_tags(self.ec2, machine.instance_id, tag)
        self.machine = replace(machine, ends_at=ends_at, afterwards=self.wanted.then)

    def _left_to_live(self, now: datetime) -> timedelta:
        """How long the machine has: as is said now; else, if it ran already, as was said before."""
        kept = self._kept_end(now)
        return timedelta(hours=self.wanted.max_hours) if kept is None else kept - now

    def _kept_end(self, now: datetime) -> datetime | None:
        found = self.prepared.machine
        if self.wanted.new_end or found is None or found.state not in ("pending", "running"):
            return None
        ours = found.origin is not None and found.ends_at is not None and found.ends_at > now
        return found.ends_at if ours else None

    def _look(self, agent: Agent) -> Checked | None:
        checked = look(agent)
        self.guarded = checked is not None and checked.watchdog
        return checked

    def _put_off(self, agent: Agent, ends_at: datetime) -> None:
        machine, then = self.has(), self.wanted.then
        # The tag first: the services end what is past the end that it says.
        with reaching(f"tagging {machine.told} with its end"):
            tag = {machine_tags.ENDS: machine_tags.ends(ends_at)}
            write_tags(self.ec2, machine.instance_id, tag)
        self.machine = replace(machine, ends_at=ends_at)
        self.shutdown = None if then == "keep" else then
        if self.wanted.notify is None:
            message = "note: its watchdog notifies nobody from now on: --notify says whom"
            click.echo(message, err=True)
        self.guarded = False
        # By the agent that is there: what runs has its program from that file.
        self.watch(agent.arm(self.terms()).ends_at)
