"""The embedded AWS as delivery sees it: rules of the default bus, and SQS; alone here is boto3."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import JsonValue

from local.batch.delivery import Away
from local.batch.patterns import matches
from local.batch.shapes import Document

# How long a new rule may go unseen.
_RULES_SECONDS: Final = 2.0
_BROKEN: Final = "InvalidEventPatternException"
_GONE: Final = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


@dataclass(frozen=True)
class Rule:
    """An enabled rule that reads events, and the URLs of its queues."""

    pattern: str
    queue_urls: tuple[str, ...]

    @cached_property
    def parsed(self) -> JsonValue:
        """The pattern read; None if it is not JSON."""
        try:
            read: JsonValue = json.loads(self.pattern)
        except ValueError:
            return None
        return read


@dataclass
class DefaultBus:
    """The default bus' rules, through boto3 clients of EventBridge and SQS."""

    events: Any
    sqs: Any
    clock: Callable[[], float] = time.monotonic
    _rules: tuple[Rule, ...] = ()
    _read_at: float = field(default=float("-inf"))

    def targets(self, event: Document) -> list[str]:
        """URLs of the queues that an event goes to; raises Away."""
        with _away_if_unreachable():
            if self.clock() - self._read_at > _RULES_SECONDS:
                self._rules = tuple(self._read_rules())
                self._read_at = self.clock()
            matching = [rule for rule in self._rules if self._matches(rule, event)]
        return list(dict.fromkeys(url for rule in matching for url in rule.queue_urls))

    def _matches(self, rule: Rule, event: Document) -> bool:
        told = matches(rule.parsed, event)
        return self._matches_there(rule.pattern, json.dumps(event)) if told is None else told

    def _matches_there(self, pattern: str, event: str) -> bool:
        try:
            answer = self.events.test_event_pattern(EventPattern=pattern, Event=event)
        except ClientError as error:
            # One broken rule must not keep events from all others.
            if error.response["Error"]["Code"] == _BROKEN:
                return False
            raise
        return bool(answer["Result"])

    def _read_rules(self) -> Iterator[Rule]:
        for rule in _pages(self.events.list_rules, "Rules"):
            if rule["State"] == "ENABLED" and rule.get("EventPattern"):
                yield Rule(rule["EventPattern"], tuple(self._queue_urls(rule["Name"])))

    def _queue_urls(self, rule: str) -> Iterator[str]:
        for target in _pages(self.events.list_targets_by_rule, "Targets", Rule=rule):
            _, _, service, _, account, resource = target["Arn"].split(":", 5)
            if service != "sqs":
                continue
            try:
                yield self.sqs.get_queue_url(QueueName=resource, QueueOwnerAWSAccountId=account)[
                    "QueueUrl"
                ]
            except ClientError as error:
                # EventBridge, too, sends nothing to a queue that is not there.
                if error.response["Error"]["Code"] not in _GONE:
                    raise


@dataclass(frozen=True)
class Sqs:
    """SQS, through a boto3 client."""

    client: Any

    def send(self, queue_url: str, bodies: Sequence[str]) -> list[int]:
        """Send at most ten bodies; answer the indexes of those to send again; raises Away."""
        entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)]
        with _away_if_unreachable():
            try:
                answer = self.client.send_message_batch(QueueUrl=queue_url, Entries=entries)
            except ClientError as error:
                if error.response["Error"]["Code"] in _GONE:
                    return []
                raise
        return [int(one["Id"]) for one in answer.get("Failed", ()) if not one["SenderFault"]]


@contextlib.contextmanager
def _away_if_unreachable() -> Iterator[None]:
    """Turn any failure of the AWS endpoint into Away: it is an emulator, and may be starting."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Away(str(error)) from error


def _pages(operation: Callable[..., Any], member: str, **request: str) -> Iterator[Any]:
    token: dict[str, str] = {}
    while True:
        page = operation(**request, **token)
        yield from page[member]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
