"""How an experiment begins: first its record, then the order to its machine, then its first change.

Nothing runs that nobody knows, and nothing is said to have failed that may have begun: where the
machine's answer is lost, machine and record are asked until its order can have no effect any more.
"""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn, Protocol

import click

from cli.account import AccountError
from cli.asking import reaching
from cli.remote.agent_calls import AgentRefused, Begun, Checked
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.options import Wanted
from cli.remote.order import machine_of, order
from cli.remote.reach import Unanswered, Unreachable
from cli.remote.tagging import name_run
from cli.remote.work import Work
from cli.runs.stack import RunsStack
from cli.shown import command
from shared.machine_runs import begun
from shared.runs import Run, finish, new_run, state_changed

# What the machine says of itself travels by a queue, and takes some seconds.
_NEWS_SECONDS = 30


class Begins(Protocol):
    """The agent of a machine, as far as experiments need it."""

    def begin(self, order: dict[str, Any]) -> Begun:
        """Begin an experiment, or hear which run the machine is busy with."""

    def check(self) -> Checked:
        """How the machine is."""


class NotBegun(click.ClickException):
    """The experiment has not begun, and will not; its record, if there is one, says so."""


@dataclass(frozen=True)
class Beginning:
    """The beginning of one experiment on one machine."""

    stack: RunsStack
    ec2: Ec2
    agent: Begins
    wanted: Wanted
    machine: MachineFacts
    work: Work

    def begin(self) -> Run:
        """Write the record, let the machine begin, and note that it has.

        Raises:
            NotBegun: the machine is busy, or its agent refuses.
            Unanswered: it may have begun: the record stays open, and the services find out.
            Unreachable: the order did not get there.
            AccountError: AWS refuses or fails; nothing has begun.

        """
        run = self._recorded()
        try:
            self._tell(run)
            region, deployed = self.stack.account.region, self.stack.deployed
            said = order(run, self.work, self.wanted, region, deployed)
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            self._fail(run, _words(error))
            raise
        sent_at = datetime.now(UTC)
        self._send(run, said)
        name_run(self.ec2, self.machine, run.run_id)
        return self._begun(run, sent_at)

    def _recorded(self) -> Run:
        run_id = self.stack.requests.run_id(str(uuid.uuid4()))
        now, source = datetime.now(UTC), self.work.source
        with reaching("writing the record of the run"):
            run = new_run(
                run_id,
                self.work.asked,
                now,
                repository=None if source is None else source.repository,
                branch=None if source is None else source.branch,
                commit=None if source is None else source.commit,
                pushed_by=self.stack.requests.who(),
                machine=machine_of(
                    run_id, self.work, self.wanted, self.machine, now, commit=self._cloned()
                ),
            ).changed(after=self.machine.run_id)
            self.stack.records.create(run)
        return run

    def _cloned(self) -> str | None:
        """The commit of the clone that is to run, which nobody but its machine knows."""
        if self.work.clone is None:
            return None
        with suppress(AgentRefused, Unanswered, Unreachable):
            return self.agent.check().commit
        return None

    def _tell(self, run: Run) -> None:
        with reaching("telling of the run"):
            self.stack.requests.publisher.publish([state_changed(run)])

    def _send(self, run: Run, said: dict[str, Any]) -> None:
        """Let the machine begin; return when it surely has."""
        try:
            answer = self.agent.begin(said)
        except Unanswered as unclear:
            name_run(self.ec2, self.machine, run.run_id)
            answer = self._found_out(run, unclear)
        except (AccountError, AgentRefused, Unreachable) as error:
            self._not_begun(run, error.message, error)
        except (KeyboardInterrupt, SystemExit):
            click.echo(f"\n{self._unknown(run)}", err=True)
            name_run(self.ec2, self.machine, run.run_id)
            raise
        # A command that arrives twice finds the machine busy with what it asks for.
        if not answer.begun and answer.busy != run.run_id:
            name_run(self.ec2, self.machine, answer.busy)
            busy = f"busy with run {answer.busy}: wait for its end, or stop it"
            self._not_begun(run, f"{self.machine.told} is {busy}", None)

    def _found_out(self, run: Run, unclear: Unanswered) -> Begun:
        """What became of an order whose answer was lost, as machine or record tell.

        Raises:
            Unanswered: neither does.
            NotBegun: the order can have no effect any more, and had none.

        """
        click.echo(f"note: {unclear.message}: looking whether it has begun", err=True)
        heard: Checked | None = None

        def look() -> Begun | None:
            nonlocal heard
            heard = None
            # Whoever does not answer is asked again; if none ever does, it is not known.
            with suppress(click.ClickException):
                if self.stack.look(run.run_id).state != "requested":
                    return Begun(begun=True)
            with suppress(click.ClickException):
                heard = self.agent.check()
            return None if heard is None or heard.busy is None else Begun(busy=heard.busy)

        answer = self.ec2.waiting.until(look, unclear.settles_in_seconds + _NEWS_SECONDS)
        if answer is not None:
            return answer
        if heard is not None:
            name_run(self.ec2, self.machine, self.machine.run_id)
            self._not_begun(run, f"{unclear.message}, and the machine has not begun", unclear)
        message = f"{unclear.message}: {self._unknown(run)}"
        raise Unanswered(message) from unclear

    def _not_begun(self, run: Run, why: str, cause: BaseException | None) -> NoReturn:
        self._fail(run, why)
        message = f"run {run.run_id} has not begun: {why}"
        raise NotBegun(message) from cause

    def _fail(self, run: Run, why: str) -> None:
        """End a run that has not begun, and tell of it; unless its machine says otherwise."""

        def end(now: Run) -> Run:
            waits = now.state == "requested" and now.attempt == run.attempt
            return finish(now, "failed", why, datetime.now(UTC)) if waits else now

        self._note(run, end, "the services will find that it has not begun")

    def _begun(self, run: Run, sent_at: datetime) -> Run:
        begin = partial(begun, now=datetime.now(UTC), sent_at=sent_at)
        return self._note(run, begin, "its machine will report for itself")

    def _note(self, run: Run, decide: Callable[[Run], Run], otherwise: str) -> Run:
        """Write the record and tell of it; what cannot be written, the services write later."""
        try:
            with reaching("writing the record of the run"):
                noted = self.stack.records.change(run.run_id, decide) or run
            self._tell(noted)
        except AccountError as error:
            click.echo(f"note: {error.message}: {otherwise}", err=True)
            return run
        return noted

    def _unknown(self, run: Run) -> str:
        show, stop = (command(self.stack.account, "runs", v, run.run_id) for v in ("show", "stop"))
        return f"it is not known whether the run has begun: {show} will tell; to end it: {stop}"


def _words(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        return error.message
    return f"the command was ended before its machine began ({type(error).__name__})"
