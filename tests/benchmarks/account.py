"""A small true model of what one push meets: table, queues, bus, Batch, secrets, Bitbucket."""

import hashlib
import json
from typing import Any

from tests.benchmarks.network import Answer, Request

Json = dict[str, Any]


class _NoSecretError(Exception):
    """There is no secret of that name."""


class Account:
    """Answers the operations that a push causes; keeps records, messages, events and jobs."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._secrets = secrets
        self._records: dict[str, Json] = {}
        self.messages: list[str] = []
        self.events: list[Json] = []
        self.jobs: list[Json] = []

    def answer(self, request: Request) -> Answer:
        """What comes back; a KeyError for an operation that no push should cause."""
        if request.bitbucket:
            return Answer(request.body, 201)
        operations = {
            "GetItem": self._get_item,
            "GetSecretValue": self._get_secret_value,
            "PutEvents": self._put_events,
            "PutItem": self._put_item,
            "SendMessageBatch": self._send_message_batch,
            "UpdateItem": self._update_item,
            "describejobdefinitions": self._describe_job_definitions,
            "submitjob": self._submit_job,
        }
        try:
            answer = operations[request.operation](request.json())
        except _NoSecretError:
            return Answer(b'{"__type": "ResourceNotFoundException"}', 400)
        return Answer(json.dumps(answer).encode())

    def taken(self) -> tuple[list[str], list[Json]]:
        """The messages and events that came since the last call."""
        taken = self.messages, self.events
        self.messages, self.events = [], []
        return taken

    def _get_item(self, request: Json) -> Json:
        record = self._records.get(request["Key"]["run_id"]["S"])
        return {} if record is None else {"Item": record}

    def _put_item(self, request: Json) -> Json:
        item = request["Item"]
        if item["run_id"]["S"] in self._records:
            message = "two pushes of one commit in one recording"
            raise ValueError(message)
        self._records[item["run_id"]["S"]] = item
        return {}

    def _update_item(self, request: Json) -> Json:
        """Understands the one form that run records are written in: SET … REMOVE …"""
        record = self._records[request["Key"]["run_id"]["S"]]
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        if record["version"] != values[":read"]:
            message = "a lost race, where nobody else writes"
            raise ValueError(message)
        sets, _, removes = request["UpdateExpression"].partition(" REMOVE ")
        for assignment in sets.removeprefix("SET ").split(", "):
            name, _, value = assignment.partition(" = ")
            record[names[name]] = values[value]
        for name in filter(None, removes.split(", ")):
            del record[names[name]]
        return {}

    def _get_secret_value(self, request: Json) -> Json:
        name = request["SecretId"]
        if name not in self._secrets:
            raise _NoSecretError
        return {"ARN": f"arn:{name}", "Name": name, "SecretString": self._secrets[name]}

    def _put_events(self, request: Json) -> Json:
        self.events += request["Entries"]
        return {
            "FailedEntryCount": 0,
            "Entries": [{"EventId": str(place)} for place, _ in enumerate(request["Entries"])],
        }

    def _send_message_batch(self, request: Json) -> Json:
        self.messages += [entry["MessageBody"] for entry in request["Entries"]]
        return {
            "Successful": [
                {
                    "Id": entry["Id"],
                    "MessageId": f"00000000-0000-4000-8000-{int(entry['Id']):012}",
                    "MD5OfMessageBody": hashlib.md5(entry["MessageBody"].encode()).hexdigest(),
                }
                for entry in request["Entries"]
            ],
            "Failed": [],
        }

    def _describe_job_definitions(self, request: Json) -> Json:
        name = request["jobDefinitionName"]
        arn = f"arn:aws:batch:eu-west-1:123456789012:job-definition/{name}:1"
        definition = {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": 1}
        return {"jobDefinitions": [definition | {"status": "ACTIVE", "type": "container"}]}

    def _submit_job(self, request: Json) -> Json:
        job_id = f"00000000-0000-4000-8000-{len(self.jobs):012}"
        self.jobs.append(request | {"jobId": job_id})
        arn = f"arn:aws:batch:eu-west-1:123456789012:job/{job_id}"
        return {"jobArn": arn, "jobId": job_id, "jobName": request["jobName"]}
