"""What can happen to a call of AWS on its way there and back, around a model that always works.

A call pauses before it is done and after, so that others run in between. Its client tries again
what botocore's standard mode tries again (throttling, a server's own errors, connections and
answers that did not come: botocore, retries/standard.py), as often as its maker said.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed

from tests.simulation import aws_errors, telling
from tests.simulation.outages import Outages
from tests.simulation.world import World

# As shared/aws.py has them.
_CONNECT_SECONDS = 2
_READ_SECONDS = 5
# Whatever was sent arrives by then; with the staleness of ListJobs it stays below the lease.
_LATEST_SECONDS = 60
_LONGEST_BACKOFF = 20
# Longer than most functions may run.
_LONGEST_STALL = 40
_ATTRIBUTES = {"events": "eventbridge"}
_READS = ("get_", "list_", "describe_", "query", "head_")


@dataclass(frozen=True)
class _Call:
    """One operation of a client; `what` is how faults name it."""

    who: str
    service: str
    operation: str
    attempts: int
    what: str
    work: Callable[..., Any]


class EffectfulClients:
    """What a service gets in the place of `shared.aws.Clients`; `who` is who calls."""

    def __init__(self, world: World, outages: Outages, who: str) -> None:
        self._world = world
        self._outages = outages
        self._who = who

    def make(self, service: str, *, attempts: int = 3, seconds: int = 5) -> "Client":
        """A client whose calls fail for good once they have failed `attempts` times."""
        return Client(self._world, self._outages, self._who, service, attempts)

    def make_late(self, service: str) -> "Client":
        """The same: here nothing is saved by making it late."""
        return self.make(service)


class Client:
    """A client of one service, with the methods of its model."""

    def __init__(
        self, world: World, outages: Outages, who: str, service: str, attempts: int
    ) -> None:
        self._world = world
        self._outages = outages
        self._who = who
        self._service = service
        self._attempts = attempts

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        model = getattr(self._world, _ATTRIBUTES.get(self._service, self._service))
        call = _Call(
            who=self._who,
            service=self._service,
            operation=operation,
            attempts=self._attempts,
            what=f"{self._who} {operation}",
            work=getattr(model, operation),
        )

        def tried(**arguments: Any) -> Any:
            return self._tried(call, arguments)

        # Looked up once: what follows finds it without coming here.
        setattr(self, operation, tried)
        return tried

    def close(self) -> None:
        """Let go of connections: there are none here that die while nobody looks."""

    def _tried(self, call: _Call, arguments: dict[str, Any]) -> Any:
        for attempt in range(1, call.attempts + 1):
            try:
                return self._once(call, arguments)
            except (ClientError, ConnectionFailed, HTTPClientError) as error:
                if attempt == call.attempts or not aws_errors.retried(error):
                    raise
            longest = min(2 ** (attempt - 1), _LONGEST_BACKOFF)
            self._world.scheduler.pause(self._world.choices.between(0, longest, call.what))
        raise AssertionError

    def _once(self, call: _Call, arguments: dict[str, Any]) -> Any:
        world, strikes, what = self._world, self._world.choices.strikes, call.what
        self._go(call)
        if not call.operation.startswith(_READS) and strikes("lands-late", what):
            self._land_late(call, arguments)
        broken = strikes("server-error", what)
        if broken and world.choices.between(0, 1, what) < 0.5:
            raise aws_errors.broken(call.service, call.operation)
        # The second is about what everything else hangs on: a job that may exist.
        unclear = strikes("unclear", what) or (
            call.operation == "submit_job" and strikes("submitted-unclear", what)
        )
        answer = self._work(call, arguments)
        if broken:
            raise aws_errors.broken(call.service, call.operation)
        if unclear:
            world.scheduler.pause(_READ_SECONDS)
            raise aws_errors.unanswered(call.service)
        self._come_back(call)
        return answer

    def _go(self, call: _Call) -> None:
        """The request travels; raise what becomes of a call that is not done at all."""
        world, strikes, what = self._world, self._world.choices.strikes, call.what
        if strikes("crash-before", what):
            world.scheduler.die()
        slow = strikes("slow", what)
        world.scheduler.pause(world.choices.seconds(0.3, 4.5, what) if slow else self._latency())
        if self._outages.hits(call.service):
            world.count(f"calls during an outage of {call.service}")
            if world.choices.between(0, 1, what) < 0.5:
                raise aws_errors.broken(call.service, call.operation)
            world.scheduler.pause(_CONNECT_SECONDS)
            raise aws_errors.unreached(call.service)
        if strikes("denied", what):
            raise aws_errors.denied(call.operation)
        if self._outages.storms.throttle(call.service, what):
            world.count("calls throttled in a storm")
            raise aws_errors.too_many(call.service, call.operation)
        if strikes("throttled", what):
            raise aws_errors.too_many(call.service, call.operation)
        if strikes("not-reached", what):
            if world.choices.between(0, 1, what) < 0.5:
                raise aws_errors.refused_connection(call.service)
            world.scheduler.pause(_CONNECT_SECONDS)
            raise aws_errors.unreached(call.service)

    def _work(self, call: _Call, arguments: dict[str, Any]) -> Any:
        """What the service does, and what it answers."""
        try:
            answer = call.work(**arguments)
        except ClientError as error:
            if not call.operation.startswith("get_secret"):
                # Most projects have no secret of their own: that says nothing.
                self._say(call, f"{call.operation}: {error.response['Error']['Code']}")
            self._world.scheduler.pause(self._latency())
            raise
        if self._world.trace.on:
            self._say(call, telling.call(call.operation, arguments, answer))
        return answer

    def _come_back(self, call: _Call) -> None:
        """The answer travels; and a machine may stand still, also until its time is over."""
        world, what = self._world, call.what
        stalled = world.choices.strikes("stalled", what)
        world.scheduler.pause(
            world.choices.seconds(1, _LONGEST_STALL, what) if stalled else self._latency()
        )
        if world.choices.strikes("crash-after", what):
            world.scheduler.die()

    def _land_late(self, call: _Call, arguments: dict[str, Any]) -> None:
        """Give up waiting for what is done some time after that."""
        world = self._world

        def land() -> None:
            try:
                answer = call.work(**arguments)
            except ClientError as error:
                outcome = f"{call.operation}: {error.response['Error']['Code']}"
            else:
                outcome = telling.call(call.operation, arguments, answer)
            self._say(call, f"lands late: {outcome}")

        after = world.choices.seconds(0, _LATEST_SECONDS, call.what)
        world.scheduler.bring(_READ_SECONDS + after, land, f"{call.what} lands late")
        world.scheduler.pause(_READ_SECONDS)
        raise aws_errors.unanswered(call.service)

    def _say(self, call: _Call, what: str) -> None:
        if not what:
            return
        running = self._world.scheduler.running
        self._world.trace.say(running.label if running else call.who, what)

    def _latency(self) -> float:
        return self._world.choices.between(0.004, self._world.latency, "latency")
