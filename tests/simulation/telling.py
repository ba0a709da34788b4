"""A call and its answer in a few words, for a person who reads a schedule."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

_SHORT = 8
_Arguments = Mapping[str, Any]


def call(operation: str, arguments: _Arguments, answer: Any) -> str:
    """What was called, about what, and what the answer says; empty: nothing worth reading.

    That is what the reconciler asks all the time, where it finds nothing.
    """
    if operation == "describe_instances" or (operation == "query" and not answer["Items"]):
        return ""
    tell = _TELL.get(operation)
    told = "" if tell is None else tell(arguments, answer)
    return f"{operation} {told}".rstrip()


def given(event: Mapping[str, Any]) -> str:
    """What a function starts with: messages, a delivery, or a tick of the schedule."""
    if "Records" in event:
        return ", ".join(_message(record) for record in event["Records"])
    if "headers" in event:
        headers = event["headers"]
        return f"try {headers['x-attempt-number']} of delivery {headers['x-request-uuid']}"
    return str(event.get("id"))


def _message(record: Mapping[str, Any]) -> str:
    times = int(record["attributes"]["ApproximateReceiveCount"])
    again = f" (received {times} times)" if times > 1 else ""
    return f"{record['messageId']}{again} {_event(json.loads(record['body']))}"


def request(method: str, url: str, body: bytes | None, status: int) -> str:
    """A request to Bitbucket and its answer."""
    repository, _, rest = url.partition("/repositories/")[2].partition("/commit/")
    commit, _, what = rest.partition("/")
    told = ""
    if body and repository:
        fields = json.loads(body)
        told = fields.get("state") or repr(fields["content"]["raw"][:60])
        told += f" of {fields['refname']}" if "refname" in fields else ""
        told += f" for {fields['key'][:18]}" if "key" in fields else ""
    where = f"{unquote(repository)} {commit[:_SHORT]} {what}".strip()
    return f"{method} {where} {told}".rstrip() + f": answered {status}"


def _item(item: Mapping[str, Any] | None) -> str:
    if item is None:
        return "nothing"
    state, version = item.get("state"), item.get("version")
    lease = item.get("lease_until")
    return (
        (f"{state['S']} " if state else "")
        + (f"v{version['N']}" if version else "")
        + (f" lease until {lease['S'][11:19]}" if lease else "")
        + (" stop asked" if "stop" in item else "")
    )


def _key(key: Mapping[str, Any]) -> str:
    return "/".join(str(next(iter(part.values())))[:_SHORT] for part in key.values())


def _got(arguments: _Arguments, answer: Any) -> str:
    return f"{_key(arguments['Key'])}: {_item(answer.get('Item'))}"


def _put(arguments: _Arguments, _answer: Any) -> str:
    item = arguments["Item"]
    run_id = item.get("run_id", {"S": ""})["S"]
    return f"{run_id[:_SHORT]}: {_item(item)}"


def _updated(arguments: _Arguments, _answer: Any) -> str:
    names = arguments.get("ExpressionAttributeNames", {})
    values = arguments.get("ExpressionAttributeValues", {})
    changed = []
    for placeholder, name in names.items():
        value = values.get(placeholder.replace("#n", ":v"))
        if name == "version" and value is None:
            continue
        changed.append(f"{name}={_value(name, value)}")
    return f"{_key(arguments['Key'])}: {', '.join(changed)}"


def _value(name: str, value: Mapping[str, Any] | None) -> str:
    if value is None:
        return "-"
    ((_, content),) = value.items()
    if name == "job":
        job_id = content.get("id")
        return str(job_id["S"]) if job_id else "named"
    text = str(content)
    # A moment: the time of the day is enough.
    return text[11:-1] if name.endswith(("_at", "_until")) else text[:60]


def _queried(arguments: _Arguments, answer: Any) -> str:
    values = arguments.get("ExpressionAttributeValues", {})
    state = values.get(":state", {"S": ""})["S"]
    found = [_key({"run_id": item["run_id"]}) for item in answer["Items"] if "run_id" in item]
    return f"{state}: {', '.join(found) or 'none'}"


def _sent(arguments: _Arguments, answer: Any) -> str:
    queue = arguments["QueueUrl"].rpartition("/")[2]
    failed = {one["Id"] for one in answer.get("Failed", [])}
    told = [
        _event(json.loads(entry["MessageBody"])) + (" (refused)" if entry["Id"] in failed else "")
        for entry in arguments["Entries"]
    ]
    return f"to {queue}: {', '.join(told)}"


def _published(arguments: _Arguments, answer: Any) -> str:
    told = []
    for entry, result in zip(arguments["Entries"], answer["Entries"], strict=True):
        event = {"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}
        told.append(_event(event) + (" (refused)" if result.get("ErrorCode") else ""))
    return ", ".join(told)


def _event(event: Mapping[str, Any]) -> str:
    detail = event.get("detail", {})
    shown = [str(detail[name])[:_SHORT] for name in ("run_id", "commit") if name in detail]
    whole = ("branch", "state", "jobId", "status")
    shown += [str(detail[name]) for name in whole if name in detail]
    shown += [f"{name} {detail[name]}" for name in ("version", "attempt") if name in detail]
    return f"{event.get('detail-type')} {' '.join(shown)}"


def _jobs(answer: Any, field: str) -> str:
    found = [f"{job['jobId']} {job.get('status', '')}".strip() for job in answer[field]]
    return ", ".join(found) or "none"


_TELL: dict[str, Callable[[_Arguments, Any], str]] = {
    "get_item": _got,
    "put_item": _put,
    "update_item": _updated,
    "query": _queried,
    "send_message_batch": _sent,
    "put_events": _published,
    "submit_job": lambda arguments, answer: f"{arguments['jobName']}: {answer['jobId']}",
    "list_jobs": lambda _arguments, answer: _jobs(answer, "jobSummaryList"),
    "describe_jobs": lambda _arguments, answer: _jobs(answer, "jobs"),
    "terminate_job": lambda arguments, _answer: f"{arguments['jobId']}: {arguments['reason']}",
    "change_message_visibility": lambda arguments, _answer: (
        f"{arguments['ReceiptHandle'].partition('-')[0]} comes again"
        f" in {arguments['VisibilityTimeout']} s"
    ),
    "get_queue_attributes": lambda _arguments, answer: (
        f"{sum(map(int, answer['Attributes'].values()))} messages"
    ),
    "get_secret_value": lambda arguments, _answer: str(arguments["SecretId"]),
}
