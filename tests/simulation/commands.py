"""What people do by command: stop a run, run it again, ask for one.

It is the command line's own code, with clients that fail. Whoever is cut off in between may type it
again, or may not; what was written by then has to be enough.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from cli.account import Account, Deployed
from cli.asking import AccountError
from cli.requests import Requests, Source
from shared import control
from shared.batch_jobs import BatchJobs
from shared.errors import Rejected, Unavailable
from shared.events import Asked, RunId, RunRequested, Sweep
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import request_run_id
from tests.samples import NAMES
from tests.simulation import names
from tests.simulation.ledger import About, Ask, Ledger
from tests.simulation.pushes import Wanted
from tests.simulation.world import MakesClients, World

_FAILURES = (AccountError, BotoCoreError, ClientError, Rejected, Unavailable)
# cli/account.py: a command tries a call five times.
_CALLS = 5
_TYPED = 3
# AWS refuses what was signed five minutes ago, or in so many minutes (IAM user guide, "Signature
# Version 4"): no command comes farther whose clock is less true.
_MOST_SKEW_SECONDS = 295.0


def runs_table() -> str:
    """The name of the table of runs."""
    return names.environment("parser")["RUNS_TABLE"]


class _Identity:
    """STS's client: who asks."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def get_caller_identity(self) -> dict[str, str]:
        """The identity's ARN."""
        return {"Arn": self._arn}


class _Account:
    """What a command needs of `cli.account.Account` in order to ask for a run."""

    def __init__(self, clients: MakesClients, arn: str) -> None:
        self.names = NAMES
        self._clients = clients
        self._arn = arn

    def client(self, service: str) -> Any:
        """A client of `service`."""
        if service == "sts":
            return _Identity(self._arn)
        return self._clients.make(service, attempts=_CALLS)


class _Outputs:
    """What the stack gives out, for a command."""

    def output(self, name: str) -> str:
        """An output of the stack."""
        declared = names.environment("parser")
        return {
            "RunsTableName": declared["RUNS_TABLE"],
            "RunsQueueUrl": declared["RUNS_QUEUE_URL"],
            "EventBusName": declared["EVENT_BUS"],
        }[name]


class Commands:
    """Types commands, each in a process of its own; `open` is how many are still typed."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger
        self.open = 0

    def run_of(self, about: About) -> RunId | None:
        """The id of a run, as its person finds it in the list; None: there is none yet."""
        uuid, branch, commit = about
        for (run_id,), item in self._world.dynamodb.items(runs_table()).items():
            repository = item.get("repository", {}).get("M", {})
            found = (repository.get("uuid"), item.get("branch"), item.get("commit"))
            if found == ({"S": uuid}, {"S": branch}, {"S": commit}):
                return RunId(run_id)
        return None

    def stop(self, about: About, by: str) -> None:
        """Ask that a run be stopped."""

        def act(clients: MakesClients) -> bool:
            run_id = self.run_of(about)
            if run_id is None:
                return False
            self._ledger.asked_to_stop(run_id, by)
            control.stop(
                run_id,
                by=by,
                why="the wrong branch",
                now=datetime.now(UTC),
                runs=RunStore(clients.make("dynamodb", attempts=_CALLS), runs_table()),
                jobs=BatchJobs(clients.make("batch", attempts=_CALLS)),
                publisher=self._publisher(clients),
            )
            return True

        self._type(f"stop by {by}", about, act)

    def rerun(self, about: About, *, otherwise: Callable[[], None]) -> None:
        """Run again what is over; `otherwise` is called if that was refused."""

        def act(clients: MakesClients) -> bool:
            run_id = self.run_of(about)
            if run_id is None:
                return False
            before = self._attempt(run_id)
            self._ledger.reruns[run_id] += 1
            try:
                control.rerun(
                    run_id,
                    now=datetime.now(UTC),
                    runs=RunStore(clients.make("dynamodb", attempts=_CALLS), runs_table()),
                    publisher=self._publisher(clients),
                )
            except Rejected:
                # Unless it was done before the answer was lost.
                if self._attempt(run_id) == before:
                    self._ledger.reruns[run_id] -= 1
                raise
            return True

        self._type("rerun", about, act, otherwise=otherwise)

    def ask(self, request_id: str, ask: Ask) -> None:
        """Ask for a run of a commit."""
        wanted = ask.commit.wanted
        asked = _asked(request_id, wanted) if wanted is not None else Asked()
        source = Source(ask.repository, ask.branch, ask.commit.hash)

        def act(clients: MakesClients) -> bool:
            account = _Account(clients, f"arn:aws:iam::{names.ACCOUNT}:user/someone")
            Requests(cast("Account", account), cast("Deployed", _Outputs())).ask(
                request_id, asked, source
            )
            ask.stored = True
            return True

        self._ledger.asked(ask)
        self._type("submit", ask.about, act)

    def _leave(self, about: About) -> None:
        """Note that a command broke off: the reconciler may be who tells what it has written."""
        run_id = self.run_of(about)
        if run_id is not None:
            version = self._world.dynamodb.items(runs_table())[run_id,]["version"]["N"]
            self._ledger.broken_off.add((run_id, int(version)))

    def _attempt(self, run_id: RunId) -> str:
        attempt: str = self._world.dynamodb.items(runs_table())[run_id,]["attempt"]["N"]
        return attempt

    def _publisher(self, clients: MakesClients) -> Publisher:
        outputs = _Outputs()
        return Publisher(
            sqs=clients.make("sqs", attempts=_CALLS),
            queues={RunRequested: outputs.output("RunsQueueUrl")},
            eventbridge=clients.make("events", attempts=_CALLS),
            bus=outputs.output("EventBusName"),
        )

    def _type(
        self,
        what: str,
        about: About,
        act: Callable[[MakesClients], bool],
        *,
        otherwise: Callable[[], None] = lambda: None,
        times: int = 1,
    ) -> None:
        world = self._world
        self.open += 1

        def work() -> str:
            try:
                return "done" if act(world.clients("person")) else "nothing to do"
            except _FAILURES as error:
                return f"refused: {error}"

        def done(outcome: str | None) -> None:
            self.open -= 1
            if outcome != "done":
                self._leave(about)
            world.count(f"commands: {what.partition(' ')[0]}")
            if world.trace.on:
                world.trace.say("person", f"{what}: {outcome or 'cut off'}")
            if outcome is None and times < _TYPED and world.choices.among((True, False), what):
                self._type(what, about, act, otherwise=otherwise, times=times + 1)
            elif outcome is not None and outcome != "done":
                otherwise()

        skew = 0.0
        if world.choices.strikes("person-skew", what):
            skew = world.choices.seconds(-_MOST_SKEW_SECONDS, _MOST_SKEW_SECONDS, what)
        world.scheduler.spawn(f"person: {what}", work, done=done, skew=skew)


def _asked(request_id: str, wanted: Wanted) -> Asked:
    """What a command asks for: a job, or the points of a sweep."""
    if wanted.points is None:
        return Asked(arguments=wanted.arguments)
    sweep = Sweep(
        sweep_id=request_run_id(NAMES.stack, request_id),
        size=wanted.points,
        space=f"lr=linspace(0,1,{wanted.points})",
        objective="accuracy",
        tolerated_percent=wanted.tolerated or 0,
        retries=wanted.retries,
    )
    return Asked(arguments=wanted.arguments, experiment=wanted.experiment, sweep=sweep)
