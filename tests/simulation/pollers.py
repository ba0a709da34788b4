"""Lambda's pollers: they take messages from queues to functions, several batches at once.

Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS": up to MaximumConcurrency batches
at once; what the function does not give back is deleted; of a batch whose function failed, nothing.

A batch that Lambda cannot call the function with is received all the same, and Lambda goes on
trying until the queue's visibility timeout ends (operator guide, "Handling errors for an SQS event
source in Lambda"). So a function may be called just before its messages show again, and a message
may be given up that no function ever had. Where Lambda itself is away, nobody says what its pollers
do: here they do that, which is worse than if they left the messages alone. The same goes for a
chain of messages that Lambda takes for an endless loop (developer guide, "Use Lambda recursive loop
detection").
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contracts import wiring
from tests.simulation import names
from tests.simulation.world import World

# With a response that is none of ReportBatchItemFailures, all of the batch counts as done.
_REPORTS = "ReportBatchItemFailures"


@dataclass
class Source:
    """An event source mapping of template.yaml, and how many of its batches are being worked on."""

    service: str
    url: str
    batch_size: int
    most: int
    reports: bool
    visibility: float
    busy: int = 0


def sources() -> list[Source]:
    """All queues that functions read."""
    found = []
    for function in wiring.functions():
        declared, queue = function.source, function.queue
        if declared is None or queue is None:
            continue
        found.append(
            Source(
                service=function.service,
                url=names.ref(queue),
                batch_size=int(declared["BatchSize"]),
                most=int(declared["ScalingConfig"]["MaximumConcurrency"]),
                reports=_REPORTS in declared.get("FunctionResponseTypes", []),
                visibility=float(wiring.properties(queue)["VisibilityTimeout"]),
            )
        )
    return found


class Pollers:
    """Look at every queue as soon as something in it is visible and a batch more may be taken."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sources = {source.url: source for source in sources()}
        self._looks: dict[str, float] = {}
        world.sqs.on_change = self._changed

    def _changed(self, url: str) -> None:
        """Look once something is visible, unless that is to happen before anyway."""
        source = self.sources.get(url)
        if source is None or source.busy >= source.most:
            return
        visible = self._world.sqs.next_visible(url)
        now = self._world.scheduler.now
        if visible is None:
            return
        # A poller takes a moment to find it: meanwhile more may come into the same batch.
        at = max(visible, now + self._world.outages.left("sqs"))
        at += self._world.choices.between(0.001, 0.2, "poller")
        if self._looks.get(url, float("inf")) <= at:
            return
        self._looks[url] = at
        self._world.scheduler.bring(at - now, lambda: self._look(source, at), "poller")

    def _look(self, source: Source, at: float) -> None:
        if self._looks.get(source.url) != at:
            return  # another look came before this one
        del self._looks[source.url]
        while source.busy < source.most and not self._world.outages.hits("sqs"):
            records = self._world.sqs.receive(source.url, source.batch_size)
            if not records:
                break
            source.busy += 1
            again = sum(int(one["attributes"]["ApproximateReceiveCount"]) > 1 for one in records)
            self._world.count("messages delivered", len(records))
            self._world.count("messages delivered again", again)
            self._call(source, records, self._world.scheduler.now + source.visibility)
        self._changed(source.url)

    def _call(self, source: Source, records: list[dict[str, Any]], until: float) -> None:
        """Call the function, or try that again as long as its messages are hidden, `until` then."""
        world = self._world
        lineage = world.sqs.lineage_of(source.url, [one["receiptHandle"] for one in records])
        now, wait = world.scheduler.now, world.functions.refuses(source.service, lineage)
        if not wait:
            answered = self._answered(source, records)
            world.functions.invoke(source.service, {"Records": records}, answered, lineage)
        elif now + wait < until:
            world.scheduler.bring(wait, lambda: self._call(source, records, until), "poller")
        else:
            world.count("batches given back uncalled")
            if world.trace.on:
                told = ", ".join(one["messageId"] for one in records)
                world.trace.say("poller", f"gives {told} of {source.service}'s queue back uncalled")
            world.scheduler.bring(until - now, lambda: self._given_back(source), "poller")

    def _given_back(self, source: Source) -> None:
        source.busy -= 1
        self._changed(source.url)

    def _answered(self, source: Source, records: list[dict[str, Any]]) -> Callable[[Any], None]:
        def answered(answer: Any) -> None:
            source.busy -= 1
            done = _done(source, records, answer)
            ids = {one["receiptHandle"]: one["messageId"] for one in records}
            self._world.ledger.handled.update(ids[receipt] for receipt in done)
            if done and self._world.trace.on:
                told = ", ".join(receipt.partition("-")[0] for receipt in done)
                self._world.trace.say("poller", f"deletes {told} of {source.service}'s queue")
            # Deleting is a call as well: it takes a moment, and may come to nothing.
            self._world.scheduler.bring(
                self._world.choices.between(0.001, 0.1, "delete"),
                lambda: self._delete(source, done),
                f"{source.service} deletes",
            )
            self._changed(source.url)

        return answered

    def _delete(self, source: Source, done: list[str]) -> None:
        if not self._world.outages.hits("sqs"):
            self._world.sqs.delete(source.url, done)
        elif done:
            # They are done, and come again.
            self._world.count("deletes during an outage of sqs")
            self._world.trace.say("poller", f"cannot delete of {source.service}'s queue")


def _done(source: Source, records: list[dict[str, Any]], answer: Any) -> list[str]:
    """The receipts of the messages that are to be deleted."""
    if answer is None:
        return []
    given_back: set[str] = set()
    if source.reports:
        given_back = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
    return [one["receiptHandle"] for one in records if one["messageId"] not in given_back]
