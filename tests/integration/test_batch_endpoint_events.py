"""Events and secrets, with a small AWS behind the endpoint that knows just what it asks for."""

import json
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.integration.batch_endpoint import ACCOUNT, REGION, RunningEndpoint, started, wait_for

SECRETS = {"acme/auth": json.dumps({"user": "bot", "token": "s3cret"}), "acme/plain": "p1ain"}
RULES = [
    {"Name": "broken", "State": "ENABLED", "EventPattern": "no pattern"},
    {"Name": "batch", "State": "ENABLED", "EventPattern": '{"source": ["aws.batch"]}'},
    {"Name": "off", "State": "DISABLED", "EventPattern": '{"source": ["aws.batch"]}'},
    {"Name": "other", "State": "ENABLED", "EventPattern": '{"source": ["aws.ec2"]}'},
    {"Name": "tick", "State": "ENABLED", "ScheduleExpression": "rate(1 minute)"},
]
TARGETS = {
    "broken": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:broken"],
    "batch": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for name in ("batch-events", "deleted")],
    "off": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:off"],
    "other": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:other"],
}


class SmallAws:
    """EventBridge's rules, two of SQS' operations and GetSecretValue, over HTTP."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: dict[str, list[Any]] = defaultdict(list)
        self.away = 0
        self._lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        asked = json.loads(request.get_data())
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        with self._lock:
            status, answer = self._answer(operation, asked, request.host_url)
        response = Response(json.dumps(answer), status, content_type="application/x-amz-json-1.1")
        return response(environ, start_response)

    def _answer(self, operation: str, asked: Any, url: str) -> tuple[int, Any]:
        match operation:
            case "ListRules":  # two pages
                start = int(asked.get("NextToken", 0))
                answer: dict[str, Any] = {"Rules": RULES[start : start + 3]}
                return 200, answer | ({"NextToken": "3"} if start == 0 else {})
            case "ListTargetsByRule":
                arns = TARGETS[asked["Rule"]]
                return 200, {"Targets": [{"Id": str(i), "Arn": arn} for i, arn in enumerate(arns)]}
            case "TestEventPattern" if asked["EventPattern"] == "no pattern":
                return 400, {"__type": "InvalidEventPatternException", "message": "no pattern"}
            case "TestEventPattern":
                sources = json.loads(asked["EventPattern"])["source"]
                return 200, {"Result": json.loads(asked["Event"])["source"] in sources}
            case "GetQueueUrl" if asked["QueueName"] == "deleted":
                return 400, {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"}
            case "GetQueueUrl":
                return 200, {"QueueUrl": f"{url}{ACCOUNT}/{asked['QueueName']}"}
            case "SendMessageBatch" if self.away:
                self.away -= 1
                return 503, {"__type": "ServiceUnavailable", "message": "starting"}
            case "SendMessageBatch":
                queue = asked["QueueUrl"].rpartition("/")[2]
                entries = asked["Entries"]
                self.messages[queue] += [json.loads(one["MessageBody"]) for one in entries]
                done = [
                    {"Id": one["Id"], "MessageId": one["Id"], "MD5OfMessageBody": ""}
                    for one in entries
                ]
                return 200, {"Successful": done, "Failed": []}
            case "GetSecretValue" if asked["SecretId"] in SECRETS:
                return 200, {"SecretString": SECRETS[asked["SecretId"]]}
            case _:
                return 400, {"__type": "ResourceNotFoundException", "message": operation}


@pytest.fixture
def aws() -> Iterator[SmallAws]:
    yield from serve(SmallAws())


def serve(aws: SmallAws) -> Iterator[SmallAws]:
    server = make_server("127.0.0.1", 0, aws, threaded=True)
    aws.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield aws
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def endpoint(aws: SmallAws, tmp_path: Path) -> Iterator[RunningEndpoint]:
    with started(tmp_path, aws_endpoint_url=aws.url) as endpoint:
        yield endpoint


def events(aws: SmallAws, count: int) -> list[Any]:
    """The events in the working queue, once there are so many."""
    queue = aws.messages["batch-events"]
    wait_for(lambda: len(queue) >= count)
    return list(queue)


def answers(url: str) -> bool:
    """Whether an endpoint lives: one that was killed ends a moment after its tether."""
    where = urlsplit(url)
    try:
        socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=60).close()
    except OSError:
        return False
    return True


def test_every_change_after_the_submission_is_an_event_in_its_order(
    aws: SmallAws, endpoint: RunningEndpoint
) -> None:
    detail = endpoint.run(
        ["sh", "-c", "test $AWS_BATCH_JOB_ATTEMPT = 2"],
        retryStrategy={"attempts": 2},
        parameters={"runId": "r"},
    )
    sent = events(aws, 7)

    assert [one["detail"]["status"] for one in sent] == [
        *("RUNNABLE", "STARTING", "RUNNING"),
        *("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"),
    ]
    assert [len(one["detail"]["attempts"]) for one in sent] == [0, 0, 0, 1, 1, 1, 2]
    assert sent[-1]["detail"] == detail | {"tags": {"resourceArn": detail["jobArn"]}}
    assert {one["detail-type"] for one in sent} == {"Batch Job State Change"}
    assert {one["resources"][0] for one in sent} == {detail["jobArn"]}
    assert (sent[0]["account"], sent[0]["region"]) == (ACCOUNT, REGION)
    assert list(aws.messages) == ["batch-events"]


def test_secrets_reach_the_job_and_nothing_else(aws: SmallAws, endpoint: RunningEndpoint) -> None:
    secrets = [
        {"name": "TOKEN", "valueFrom": "acme/auth:token::"},
        {"name": "PLAIN", "valueFrom": "acme/plain"},
    ]
    endpoint.define(["printenv", "TOKEN", "PLAIN"], containerProperties={"secrets": secrets})
    detail = endpoint.ended(endpoint.submit())
    sent = events(aws, 4)

    assert endpoint.output(detail) == "s3cret\np1ain\n"
    assert detail["container"]["secrets"] == secrets
    assert "s3cret" not in json.dumps(sent)
    assert "s3cret" not in json.dumps(detail)


def test_a_secret_that_is_not_there_fails_the_try(endpoint: RunningEndpoint) -> None:
    secrets = [{"name": "TOKEN", "valueFrom": "acme/none"}]
    endpoint.define(["true"], containerProperties={"secrets": secrets})
    detail = endpoint.ended(endpoint.submit())

    assert detail["statusReason"] == "Task failed to start"
    assert detail["container"]["reason"].startswith(
        "ResourceInitializationError: unable to pull secrets or registry auth: "
        "unable to retrieve secret acme/none: "
    )


def test_events_wait_for_sqs_to_come_back(aws: SmallAws, endpoint: RunningEndpoint) -> None:
    aws.away = 2
    endpoint.run(["true"])

    assert [one["detail"]["status"] for one in events(aws, 4)] == [
        *("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED")
    ]


def test_a_blocked_queue_is_an_event(aws: SmallAws, endpoint: RunningEndpoint) -> None:
    endpoint.control("POST", "queues/queue", {"paused": True})
    endpoint.define(["true"])
    job_id = endpoint.submit()
    endpoint.in_status(job_id, "RUNNABLE")
    endpoint.control("POST", f"jobs/{job_id}/block", {"reason": "CAPACITY:X - none"})
    _, blocked = events(aws, 2)

    assert blocked["detail-type"] == "Batch Job Queue Blocked"
    assert blocked["detail"]["statusReason"] == "CAPACITY:X - none"
    assert blocked["resources"][1].endswith(":job-queue/queue")


def test_events_can_be_lost_and_doubled(aws: SmallAws, endpoint: RunningEndpoint) -> None:
    endpoint.control("POST", "faults", {"drop_events": 3})
    endpoint.run(["true"])
    endpoint.control("POST", "faults", {"duplicate_events": True})
    endpoint.run(["true"])
    sent = events(aws, 9)

    assert [one["detail"]["status"] for one in sent] == [
        "SUCCEEDED",
        *("RUNNABLE", "RUNNABLE", "STARTING", "STARTING"),
        *("RUNNING", "RUNNING", "SUCCEEDED", "SUCCEEDED"),
    ]


def test_events_that_were_not_sent_before_a_crash_are_sent_after_it(
    aws: SmallAws, tmp_path: Path
) -> None:
    aws.away = 1_000
    with started(tmp_path, aws_endpoint_url=aws.url) as endpoint:
        endpoint.run(["true"])
        endpoint.process.kill()
        wait_for(lambda: not answers(endpoint.url))
    aws.away = 0
    with started(tmp_path, aws_endpoint_url=aws.url, with_queue=False):
        sent = events(aws, 4)

    assert [one["detail"]["status"] for one in sent] == [
        *("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED")
    ]
