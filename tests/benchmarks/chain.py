"""One push through all handlers, recorded: for each step its event, its calls and their answers."""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import patch

import botocore.client

from services.webhook.signature import sign
from shared.entry import Handler
from tests.benchmarks.account import Account
from tests.benchmarks.network import Answer, Request, answered
from tests.benchmarks.services import HOOK_SECRET

Json = dict[str, Any]
PROJECT = Path(__file__).parents[2]
STATUSES = PROJECT / "tests/payloads/aws/batch_events_derived"
# What Batch says of a job that starts at once, and of which the record learns something.
NEWS = ("RUNNING", "SUCCEEDED")
# What it says in all: there is no event for the submission itself.
EVERYTHING = ("RUNNABLE", *NEWS)


@dataclass(frozen=True)
class Call:
    """A call as the service made it: `parameters` are boto3's, or urllib3's for Bitbucket."""

    service: str
    operation: str
    parameters: Json


@dataclass(frozen=True)
class Step:
    """One event that one handler took."""

    service: str
    what: str
    event: Json
    calls: tuple[Call, ...]
    answers: Mapping[str, Sequence[Answer]]

    @property
    def name(self) -> str:
        """Unique within a push."""
        return f"{self.service}: {self.what}"


@dataclass
class Tape:
    """Answers as they were recorded, for each operation in turn, round and round."""

    requests: list[Request] = field(default_factory=list)
    keeps: bool = False
    _answers: dict[str, Iterator[Answer]] = field(default_factory=dict)

    def insert(self, step: Step, kept: Mapping[str, Sequence[Answer]]) -> None:
        """From now on answer as `step` was; `kept` is what its handler asks once a minute."""
        self._answers = {name: cycle(some) for name, some in {**kept, **step.answers}.items()}

    def answer(self, request: Request) -> Answer:
        """The next answer; a KeyError for a call that was not recorded."""
        if self.keeps:
            self.requests.append(request)
        return next(self._answers[request.operation])


class Recording:
    """Pushes go through `handlers`, one step after the other, against one account."""

    def __init__(self, handlers: Mapping[str, Handler], account: Account) -> None:
        self._handlers = handlers
        self._account = account
        self._steps: list[Step] = []
        self._calls: list[Call] = []
        self._answers: dict[str, list[Answer]] = {}

    def push(self, commit: str, said: Iterable[str] = NEWS) -> list[Step]:
        """The steps of a push of `commit` whose job goes through the states in `said`."""
        self._steps = []
        with answered(self._answer), self._recorded():
            self._take("webhook", "push", _delivery(commit))
            self._follow()
            for status in said:
                event = _batch_event(status, self._account.jobs[-1])
                self._take("monitor", status, _messages("monitor", json.dumps(event)))
                self._follow()
        return self._steps

    def _follow(self) -> None:
        """Hand over what came of the last step, and what comes of that."""
        messages, events = self._account.taken()
        for body in messages:
            kind = json.loads(body)["detail-type"]
            service = {"CommitPushed": "parser", "RunRequested": "submitter"}[kind]
            self._take(service, kind, _messages(service, body))
        for event in events:
            detail = json.loads(event["Detail"])
            what = f"{detail['state']}, version {detail['version']}"
            self._take("notifier", what, _messages("notifier", json.dumps(_on_the_bus(event))))
        if messages:
            self._follow()

    def _take(self, service: str, what: str, event: Json) -> None:
        self._calls, self._answers = [], {}
        response = self._handlers[service](event, None)
        check(response)
        self._steps.append(Step(service, what, event, tuple(self._calls), self._answers))

    def _answer(self, request: Request) -> Answer:
        given = self._account.answer(request)
        self._answers.setdefault(request.operation, []).append(given)
        if request.bitbucket:
            method, _, url = request.operation.partition(" ")
            asked: Json = {"method": method, "url": url, "body": request.body}
            asked["headers"] = {
                "Authorization": "Bearer sample",
                "Content-Type": "application/json",
            }
            self._calls.append(Call("bitbucket", "POST build status", asked))
        return given

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        clients: Any = botocore.client.BaseClient
        made = clients._make_api_call

        def make(client: Any, operation: str, parameters: Json) -> Any:
            service = client.meta.service_model.service_name
            self._calls.append(Call(service, operation, copy.deepcopy(parameters)))
            return made(client, operation, parameters)

        with patch.object(clients, "_make_api_call", make):
            yield


def check(response: Mapping[str, Any]) -> None:
    """Raise if a handler did not do all that it should."""
    if response.get("statusCode", 202) != 202 or response.get("batchItemFailures"):
        message = f"a handler answered {response}"
        raise ValueError(message)


def _sample(name: str) -> Json:
    read: Json = json.loads((PROJECT / "events" / name).read_text(encoding="utf-8"))
    return read


def _delivery(commit: str) -> Json:
    """The sample of a webhook's delivery, for another commit."""
    event = _sample("webhook.json")
    pushed = json.loads(event["body"])["push"]["changes"][0]["new"]["target"]["hash"]
    event["body"] = event["body"].replace(pushed, commit)
    event["headers"]["x-hub-signature"] = sign(event["body"].encode(), HOOK_SECRET)
    return event


def _messages(service: str, body: str) -> Json:
    event = _sample(f"{service}.json")
    event["Records"] = [event["Records"][0] | {"body": body}]
    return event


def _on_the_bus(entry: Json) -> Json:
    """An entry of PutEvents as a rule hands it on."""
    return {
        "version": "0",
        "id": "b6a3f0de-2c41-4f0e-9d57-0a4c9e7b1f28",
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": "123456789012",
        "time": "2026-11-02T09:41:08Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": json.loads(entry["Detail"]),
    }


def _batch_event(status: str, job: Json) -> Json:
    event: Json = json.loads((STATUSES / f"status_{status}.json").read_text(encoding="utf-8"))
    event["detail"] |= {name: job[name] for name in ("jobId", "jobName", "jobQueue", "parameters")}
    return event
