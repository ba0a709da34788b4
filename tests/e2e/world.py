"""What an end-to-end test sees of the stack, and does to it: only what a user or AWS could."""

import hashlib
import hmac
import json
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import urllib3

from local import aws
from local.bitbucket.client import Client
from shared.events import RunId
from shared.names import Names
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import Run, commit_run_id

NAMES = Names("acme", "development")
Answer = TypeVar("Answer")
FINAL = {"SUCCESSFUL", "FAILED", "STOPPED"}
# Nothing takes so long, on a small machine that has much else to do either: who waits for what is
# to come waits no longer than it takes, so a deadline only tells that it will never come.
PATIENCE_SECONDS = 300
# A run has several of such waits in it, one after the other.
RUN_SECONDS = 900


def until(look: Callable[[], Answer], *, seconds: float = PATIENCE_SECONDS) -> Answer:
    """What `look` answers once that is true, or at the latest after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.2)


@dataclass(frozen=True)
class World:
    """A running stack: what `--ready-file` told, and Bitbucket's side of it."""

    told: Mapping[str, Any]
    bitbucket: Client
    folder: Path

    def client(self, service: str) -> Any:
        """A boto3 client of the embedded account."""
        elsewhere = {"batch": "batch", "ec2": "machines", "ssm": "machines"}
        url = self.told[f"{elsewhere.get(service, 'aws')}_endpoint_url"]
        return aws.client(service, url)

    @property
    def runs(self) -> RunStore:
        """The table of run records."""
        return RunStore(self.client("dynamodb"), self.told["runs_table"])

    def clone(self, full_name: str, folder: Path) -> "WorkingCopy":
        """A clone of a repository; an empty one gets the branch main."""
        url = self.bitbucket.git_url(full_name)
        command = ["git", "clone", "--quiet", url, str(folder)]
        subprocess.run(command, check=True, timeout=PATIENCE_SECONDS)
        return WorkingCopy(self, full_name, folder)

    def statuses(
        self, full_name: str, commit: str, run_id: RunId | None = None
    ) -> list[tuple[str, str]]:
        """State and description of every write of the commit's status, oldest first.

        A commit of several runs has a status for each: `run_id` names one of them.
        """
        histories = self.bitbucket.status_history(full_name, commit)
        return [
            (write["state"], write["description"])
            for history in histories
            if run_id is None or history["key"] == f"cloud-run-{run_id}"
            for write in history["writes"]
        ]

    def last_status(
        self, full_name: str, commit: str, run_id: RunId | None = None
    ) -> tuple[str, str]:
        """State and description that the commit shows now; two empty texts while it has none."""
        return (self.statuses(full_name, commit, run_id) or [("", "")])[-1]

    def final_status(
        self,
        full_name: str,
        commit: str,
        seconds: float = RUN_SECONDS,
        *,
        run_id: RunId | None = None,
    ) -> tuple[str, str]:
        """The status that the commit, or one of its runs, ends with; the test fails if none comes.

        It may be that of an earlier attempt where a later one has shown nothing yet.
        """

        def look() -> tuple[str, str] | None:
            last = self.last_status(full_name, commit, run_id)
            return last if last[0] in FINAL else None

        found = until(look, seconds=seconds)
        assert found is not None, self.statuses(full_name, commit, run_id)
        return found

    def delivered(self, full_name: str, commit: str) -> list[dict[str, Any]]:
        """The deliveries of the push of `commit` that were answered 202 or 204."""
        return [
            delivery
            for delivery in self.bitbucket.deliveries(full_name)
            if commit in delivery["heads"] and delivery["status"] in (202, 204)
        ]

    def run(self, full_name: str, branch: str, commit: str) -> Run | None:
        """The record of a commit's run."""
        uid = self.bitbucket.request("GET", f"/2.0/repositories/{full_name}")["uuid"]
        return self.runs.get(commit_run_id(NAMES.stack, uid, branch, commit))

    def jobs(self, run_id: RunId) -> list[dict[str, Any]]:
        """Every job that was ever submitted for a run, as DescribeJobs has it."""
        batch = self.client("batch")
        named = [{"name": "JOB_NAME", "values": ["acme-*"]}]
        ids: list[str] = []
        pages = batch.get_paginator("list_jobs")
        for queue in self.told["job_queues"]:
            for page in pages.paginate(jobQueue=queue, filters=named):
                ids += [job["jobId"] for job in page["jobSummaryList"]]
        described = [
            job
            for start in range(0, len(ids), 100)
            for job in batch.describe_jobs(jobs=ids[start : start + 100])["jobs"]
        ]
        return [job for job in described if job["parameters"].get("runId") == run_id]

    def messages(self) -> dict[str, int]:
        """How many messages each queue holds, in flight or not."""
        sqs = self.client("sqs")
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        found = {}
        for name, url in self.told["queues"].items():
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))
            found[name] = sum(int(attributes["Attributes"][n]) for n in names)
        return found

    def dead_letters(self) -> dict[str, int]:
        """The dead-letter queues that are not empty."""
        return {k: n for k, n in self.messages().items() if k.endswith("-dlq") and n}

    def deliver(
        self, body: bytes, *, secret: str | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a webhook as Bitbucket does, signed with the right secret unless told otherwise."""
        secret = self.told["webhook_secret"] if secret is None else secret
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        sent = {
            "Content-Type": "application/json",
            "User-Agent": "Bitbucket-Webhooks/2.0",
            "X-Attempt-Number": "1",
            "X-Event-Key": "repo:push",
            "X-Hook-UUID": self.told["hook_uuid"],
            "X-Request-UUID": str(uuid.uuid4()),
            "X-Hub-Signature": f"sha256={signature}",
        } | dict(headers or {})
        present = {name: value for name, value in sent.items() if value}
        return urllib3.request(
            "POST",
            self.told["webhook_url"],
            body=body,
            headers=present,
            timeout=PATIENCE_SECONDS,
            retries=False,
        )

    def reconcile(self) -> None:
        """Let the reconciler run now, as its schedule does every few minutes."""
        function = self._function("Reconciler")
        answer = self.client("lambda").invoke(FunctionName=function, Payload=b'{"id": "now"}')
        assert "FunctionError" not in answer, answer["Payload"].read()

    def publisher(self) -> Publisher:
        """Where commands and facts go, as the services send them."""
        from shared.events import RunRequested

        return Publisher(
            sqs=self.client("sqs"),
            queues={RunRequested: self.told["queues"]["runs"]},
            eventbridge=self.client("events"),
            bus=self.told["event_bus"],
        )

    def batch_control(self, path: str, body: Mapping[str, object]) -> None:
        """Ask the Batch endpoint for a fault."""
        url = self.told["batch_endpoint_url"] + path
        answer = urllib3.request(
            "POST", url, json=dict(body), timeout=PATIENCE_SECONDS, retries=False
        )
        assert answer.status < 300, answer.data

    def _function(self, part: str) -> str:
        listed = self.client("lambda").list_functions()["Functions"]
        names: list[str] = [f["FunctionName"] for f in listed]
        return next(name for name in names if part in name)


@dataclass(frozen=True)
class WorkingCopy:
    """Somebody's clone of a repository."""

    world: World
    full_name: str
    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git in the clone; its output without the last newline."""
        someone = ("-c", "user.name=Someone", "-c", "user.email=someone@example.com")
        done = subprocess.run(
            ["git", *someone, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def push(self, message: str, branch: str = "main") -> str:
        """Commit with `message` on `branch` and push; the commit's hash."""
        self.git("checkout", "--quiet", "-B", branch)
        self.git("commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--message", message)
        self.git("push", "--quiet", "origin", branch)
        return self.git("rev-parse", "HEAD")


def push_body(world: World, full_name: str, branch: str, commit: str, message: str) -> bytes:
    """A webhook's body for a push that git knows nothing of."""
    repository = world.bitbucket.request("GET", f"/2.0/repositories/{full_name}")
    target = {"type": "commit", "hash": commit, "message": message}
    change = {"new": {"type": "branch", "name": branch, "target": target}, "old": None}
    return json.dumps(
        {
            "actor": {"display_name": "Someone", "uuid": "{00000000-0000-4000-8000-000000000000}"},
            "repository": {"uuid": repository["uuid"], "full_name": full_name},
            "push": {"changes": [change]},
        }
    ).encode()
