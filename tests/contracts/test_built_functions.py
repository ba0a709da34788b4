"""Each built function works on its sample, with nothing but its artifact and the layer."""

import json
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from shared.runs import Run
from tests.contracts.aws_stub import Answers, answering
from tests.contracts.built import Built, answer_of, sample

CHANGED = sample("samples/RunStateChanged.json")["detail"]
PUSHED = sample("samples/CommitPushed.json")["detail"]
DESCRIBED = sample("samples/JobDescribed.json")["detail"]
MACHINE = sample("samples/MachineDescribed.json")["detail"]["instance"]
OVERDUE = sample("samples/MachineOverdue.json")["detail"]
ENDS = ("submitted_at", "started_at", "stopped_at", "reason", "exit_code")


def _record(**changes: object) -> dict[str, Any]:
    """The sample's run as an item of the table, before its job ended."""
    run = Run.model_validate({k: v for k, v in {**CHANGED, **changes}.items() if v is not None})
    fields = run.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {name: TypeSerializer().serialize(value) for name, value in fields.items()}


REQUESTED = _record(state="requested", job=None, **dict.fromkeys(ENDS))
CLAIMED = _record(
    state="requested",
    job={k: v for k, v in CHANGED["job"].items() if k in ("name", "queue", "definition")},
    **dict.fromkeys(ENDS),
)
SUBMITTED = _record(state="submitted", **dict.fromkeys(ENDS[1:]))
ON_A_MACHINE = _record(
    state="running",
    job=None,
    machine={"instance_id": MACHINE["InstanceId"], "ends_at": OVERDUE["ends_at"]},
    **dict.fromkeys(ENDS[2:]),
)
STORED: Answers = {
    "PutItem": [{}],
    "UpdateItem": [{}],
    "PutEvents": [{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}],
    "SendMessageBatch": [{"Successful": [], "Failed": []}],
}
HOOK = {
    "secret": "sample-webhook-secret",
    "repository": "acme/faulty-parts",
    "uuid": json.loads(sample("webhook.json")["body"])["repository"]["uuid"],
}
HOOKS = json.dumps({sample("webhook.json")["headers"]["x-hook-uuid"]: HOOK})
BUCKET = sample("env.json")["SweeperFunction"]["DATA_BUCKET"]
STATUS_PATH = "/2.0/repositories/%7B%7D/%7B{}%7D/commit/{}/statuses/build"


def _instances(state: str) -> dict[str, str]:
    """EC2's answer about the sample's machine."""
    reason = "".join(f"<{k.lower()}>{v}</{k.lower()}>" for k, v in MACHINE["StateReason"].items())
    tags = "".join(
        f"<item><key>{tag['Key']}</key><value>{tag['Value']}</value></item>"
        for tag in MACHINE["Tags"]
    )
    instance = (
        f"<instanceId>{MACHINE['InstanceId']}</instanceId>"
        f"<instanceState><code>0</code><name>{state}</name></instanceState>"
        f"<stateReason>{reason}</stateReason><tagSet>{tags}</tagSet>"
    )
    inner = f"<item><instancesSet><item>{instance}</item></instancesSet></item>"
    whole = f"<reservationSet>{inner}</reservationSet>"
    return {"xml": f"<DescribeInstancesResponse>{whole}</DescribeInstancesResponse>"}


def test_the_built_webhook_stores_the_push(built: Built) -> None:
    with answering({**STORED, "GetSecretValue": [{"SecretString": HOOKS}]}) as aws:
        answer = answer_of(built, "webhook", aws)

    assert answer["statusCode"] == 202
    (sent,) = aws.sent()
    assert sent["detail-type"] == "CommitPushed"
    assert sent["detail"] | {"pushed_at": PUSHED["pushed_at"]} == PUSHED


def test_the_built_webhook_refuses_another_signature(built: Built) -> None:
    event = sample("webhook.json")
    event["headers"]["x-hub-signature"] = f"sha256={'0' * 64}"
    with answering({**STORED, "GetSecretValue": [{"SecretString": HOOKS}]}) as aws:
        answer = answer_of(built, "webhook", aws, event)

    assert answer["statusCode"] == 401
    assert set(aws.operations) == {"GetSecretValue"}


def test_the_built_parser_asks_for_the_run(built: Built) -> None:
    with answering(STORED) as aws:
        answer = answer_of(built, "parser", aws)

    assert answer == {"batchItemFailures": []}
    requested, changed = aws.sent()
    assert requested == sample("samples/RunRequested.json")
    assert changed["detail"]["state"] == "requested"
    assert changed["detail"]["asked"] == CHANGED["asked"]


def test_the_built_submitter_submits_the_job(built: Built) -> None:
    records = [{"Item": REQUESTED}, {"Item": CLAIMED}]
    batch: Answers = {
        "/v1/describejobdefinitions": [{"jobDefinitions": [{"status": "ACTIVE"}]}],
        "/v1/submitjob": [{"jobId": CHANGED["job"]["id"], "jobName": CHANGED["job"]["name"]}],
    }
    with answering({**STORED, **batch, "GetItem": records}) as aws:
        answer = answer_of(built, "submitter", aws)

    assert answer == {"batchItemFailures": []}
    (submitted,) = [request for operation, request in aws.calls if operation == "/v1/submitjob"]
    assert submitted["jobName"] == CHANGED["job"]["name"]
    assert submitted["parameters"] == DESCRIBED["job"]["parameters"]
    assert [event["detail"]["state"] for event in aws.sent()] == ["submitted"]


def test_the_built_monitor_follows_the_job(built: Built) -> None:
    with answering({**STORED, "GetItem": [{"Item": SUBMITTED}]}) as aws:
        answer = answer_of(built, "monitor", aws)

    assert answer == {"batchItemFailures": []}
    assert [event["detail"]["state"] for event in aws.sent()] == ["running", "failed"]
    assert aws.sent()[1]["detail"]["reason"] == CHANGED["reason"]


def test_the_built_monitor_believes_a_machine_about_its_own_run_alone(built: Built) -> None:
    event = sample("monitor.json")
    (record,) = event["Records"] = event["Records"][2:]
    with answering({**STORED, "GetItem": [{"Item": ON_A_MACHINE}]}) as aws:
        answer_of(built, "monitor", aws, event)
    record["attributes"]["SenderId"] = "AROAEXAMPLEEXAMPLE:i-00000000000000000"
    with answering({**STORED, "GetItem": [{"Item": ON_A_MACHINE}]}) as refusing:
        answer = answer_of(built, "monitor", refusing, event)

    (changed,) = aws.sent()
    said = sample("samples/MachineReported.json")["detail"]
    assert (changed["detail"]["state"], changed["detail"]["reason"]) == ("failed", said["reason"])
    assert changed["detail"]["machine"]["archive"] == said["archive"]
    assert answer == {"batchItemFailures": []}
    assert refusing.operations == []


def test_the_built_reconciler_asks_after_runs(built: Built) -> None:
    found: tuple[list[Any], ...] = ([REQUESTED], [SUBMITTED], [], [], [], [ON_A_MACHINE])
    waiting = {"": "0", "NotVisible": "1"}
    counts = {f"ApproximateNumberOfMessages{kind}": count for kind, count in waiting.items()}
    asked: Answers = {
        "Query": [{"Items": items} for items in found],
        "GetQueueAttributes": [{"Attributes": counts}],
        "/v1/describejobs": [{"jobs": [DESCRIBED["job"]]}],
        "DescribeInstances": [_instances("terminated"), _instances("running")],
    }
    with answering({**STORED, **asked}) as aws:
        answer = answer_of(built, "reconciler", aws)

    assert answer == {}
    sent = {event["detail-type"]: event for event in aws.sent()}
    assert set(sent) == {"RunRequested", "JobDescribed", "MachineDescribed", "MachineOverdue"}
    for name in ("JobDescribed", "MachineDescribed", "MachineOverdue"):
        assert sent[name] == sample(f"samples/{name}.json")


def test_the_built_notifier_posts_the_status(built: Built) -> None:
    path = STATUS_PATH.format(CHANGED["repository"]["uuid"].strip("{}"), CHANGED["commit"])
    auth = {"SecretString": json.dumps({"kind": "access_token", "token": "sample"})}
    record = {"Item": _record()}
    with answering({"GetItem": [record], "GetSecretValue": [auth], path: [{}]}) as aws:
        answer = answer_of(built, "notifier", aws)

    assert answer == {"batchItemFailures": []}
    (status,) = [request for operation, request in aws.calls if operation == path]
    assert (status["state"], status["description"]) == ("FAILED", "failed: exit code 1")


def test_the_built_sweeper_looks_at_the_sweep(built: Built) -> None:
    asked = {"sweep": {"sweep_id": CHANGED["run_id"], "size": 6, "objective": "accuracy"}}
    record = _record(state="submitted", asked=asked, **dict.fromkeys(ENDS[1:]))
    parent = {"size": 6, "statusSummary": {"RUNNING": 5, "SUCCEEDED": 1}}
    job = DESCRIBED["job"] | {"status": "PENDING", "attempts": [], "arrayProperties": parent}
    with answering(
        {
            **STORED,
            "GetItem": [{"Item": record}],
            "/v1/describejobs": [{"jobs": [job]}],
            f"/{BUCKET}": [{"xml": "<ListBucketResult></ListBucketResult>"}],
        }
    ) as aws:
        answer = answer_of(built, "sweeper", aws)

    assert answer == {"batchItemFailures": []}
    sent = {event["detail-type"]: event for event in aws.sent()}
    due = sample("samples/SweepDue.json")
    assert sent["SweepDue"] == due | {"detail": due["detail"] | {"look": due["detail"]["look"] + 1}}
    assert sent["RunStateChanged"]["detail"]["state"] == "running"
    assert sent["RunStateChanged"]["detail"]["progress"]["succeeded"] == 1


def test_a_function_that_gets_no_answer_gives_its_message_back(built: Built) -> None:
    with answering({"ChangeMessageVisibility": [{}]}) as aws:
        answer = answer_of(built, "parser", aws)

    (message,) = sample("parser.json")["Records"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": message["messageId"]}]}
