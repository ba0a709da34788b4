"""A sandbox with the agent on it, an account for it, and a place that takes its notifications."""

import io
import itertools
import json
import shlex
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from container.agent.build import packed
from local import aws
from local.machines.sandbox import Done, Sandbox
from tests.integration.embedded_s3 import access, embedded_s3
from tests.integration.waiting import wait_until

BUCKET = "data"
LOG_GROUP = "/acme/jobs"
SECRET = "the-token-of-bitbucket"
INSTANCE = "i-0123456789abcdef0"
RUN = "4f2a17bc-run"
# What is looked for again and again is looked for often here. What somebody has at the most to do
# something is long: a test that is about its end says how short it is.
TIMES = {
    "tick": 0.1,
    "begin": 60,
    "boot": 0.5,
    "slack": 60,
    "look": 1,
    "spot": 0.1,
    "stop": 60,
    "shutdown": 600,
    "notify": 120,
}
FINISH_SECONDS = 600
# The beginning of an experiment whose supervisor looks away, once it waits, until it has ended: so
# the supervisor finds at one time that it has, and what `asks` did.
AFTER_MY_END = """sleep 0.3
kill -STOP $PPID
(
  until grep -q '^State:.Z' /proc/$$/status; do sleep 0.05; done
  {asks}
  kill -CONT $PPID
) &
"""
# Nothing listens there.
NOWHERE = "http://127.0.0.1:1"
# No two machines have one name: archives and log streams of an account go by it.
_NUMBERS = itertools.count(1)


@dataclass
class Account:
    """What of AWS a machine talks to."""

    url: str
    queue: str
    secret: str

    def client(self, service: str) -> Any:
        return aws.client(service, self.url)

    @property
    def environment(self) -> dict[str, str]:
        return access(self.url) | {"AWS_EC2_METADATA_DISABLED": "true"}

    def reports(self) -> list[dict[str, Any]]:
        """The events that have come, oldest first; each is seen once."""
        sqs = self.client("sqs")
        found: list[dict[str, Any]] = []
        while True:
            some = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
            if not (messages := some.get("Messages")):
                return found
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def keys(self, prefix: str) -> list[str]:
        listed = self.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for one in listed.get("Contents", [])]

    def archive(self, address: str) -> dict[str, bytes]:
        """The files of an archive."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        body = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            members = [member for member in tar.getmembers() if member.isfile()]
            files = ((member.name, tar.extractfile(member)) for member in members)
            return {name: file.read() for name, file in files if file}

    def lines(self, stream: str) -> list[str]:
        told = self.client("logs").get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True
        )
        return [one["message"] for one in told["events"]]


@contextmanager
def account_in(folder: Path) -> Iterator[Account]:
    with embedded_s3(folder, BUCKET) as url:
        made = Account(url, "", "")
        made.queue = made.client("sqs").create_queue(QueueName="batch-events")["QueueUrl"]
        made.client("logs").create_log_group(logGroupName=LOG_GROUP)
        secrets = made.client("secretsmanager")
        made.secret = secrets.create_secret(Name="bitbucket-auth", SecretString=SECRET)["ARN"]
        yield made


@dataclass
class Notified:
    """A place that takes notifications; `answers` are what it says to them, and then 204."""

    url: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def of(self, status: str) -> list[dict[str, Any]]:
        return [one for one in self.received if one["status"] == status]


@contextmanager
def notifications() -> Iterator[Notified]:
    taken = Notified()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = taken.answers.pop(0) if taken.answers else 204
            taken.headers.append(dict(self.headers))
            taken.received.append(json.loads(body))
            self.send_response(status)
            self.send_header("Location", f"{taken.url}elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(Taking) as taken.url:
        yield taken


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address at which a handler answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Machine:
    """A sandbox, as somebody with the rights of root sees it."""

    sandbox: Sandbox
    account: Account
    notified: Notified

    @property
    def home(self) -> Path:
        return self.sandbox.root / "var/lib/cloud-runner"

    @property
    def log(self) -> Path:
        return self.sandbox.root / "var/tmp/experiment.log"

    def call(self, command: str, told: Any = None, seconds: float = 300, before: str = "") -> Done:
        """What a command of the agent comes to; `before` is a script that runs first."""
        given = f"<<'TOLD'\n{json.dumps(told)}\nTOLD\n" if told is not None else "< /dev/null"
        program = shlex.quote(str(self.home / "agent.pyz"))
        return self.sandbox.run(f"{before}\nexec python3 {program} {command} {given}", seconds)

    def ask(self, command: str, told: Any = None, before: str = "") -> Any:
        """What it answers."""
        done = self.call(command, told, before=before)
        assert done.code == 0, done.stderr.decode()
        return json.loads(done.stdout.splitlines()[-1])

    def terms(self, **other: Any) -> dict[str, Any]:
        return {
            "name": "acme-machine",
            "instance": INSTANCE,
            "region": aws.REGION,
            "max_seconds": 3600,
            "idle_seconds": None,
            "finish_seconds": FINISH_SECONDS,
            "afterwards": "terminate",
            "notify": self.notified.url,
            **other,
            "times": {**TIMES, **other.get("times", {})},
        }

    def order(self, script: str, **other: Any) -> dict[str, Any]:
        return {
            "run_id": RUN,
            "attempt": 1,
            "instance": INSTANCE,
            "region": aws.REGION,
            "name": None,
            "argv": ["/bin/sh", "-c", script],
            "environment": {},
            "secret": None,
            "docker": None,
            "cwd": "work",
            "results_paths": [],
            "log_path": "/var/tmp/experiment.log",
            "bucket": BUCKET,
            "prefix": self.sandbox.root.name,
            "afterwards": "terminate",
            "notify": self.notified.url,
            "log_group": LOG_GROUP,
            "log_stream": f"remote/{self.sandbox.root.name}",
            "queue_url": self.account.queue,
            "max_seconds": None,
            **other,
        }

    def begin(self, script: str, before: str = "", **other: Any) -> None:
        assert self.ask("begin", self.order(script, **other), before=before) == {"begun": True}

    def state(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.home / "state.json").read_text())
        return told

    def wait(self, happened: Callable[[], object], what: str) -> None:
        wait_until(happened, f"{what}; {self.said()}")

    def wait_for_phase(self, phase: str) -> None:
        self.wait(lambda: self.state()["phase"] == phase, f"it is not {phase}")

    def wait_for_text(self, path: Path) -> str:
        self.wait(lambda: path.exists() and path.read_text(), f"{path.name} did not appear")
        return path.read_text()

    def ended(self) -> None:
        """Wait until it has asked to end."""
        self.wait(lambda: self.sandbox.asked_to_end, "it does not end")

    def notice(self) -> dict[str, Any]:
        """Its one notification, when it has ended."""
        self.ended()
        (told,) = self.notified.received
        return told

    def watchdog(self) -> int:
        """The watchdog's process."""
        return int((self.home / "watchdog.lock").read_text())

    def supervisor(self) -> int:
        """The supervisor's process, which is there as soon as something has begun."""
        found = self.sandbox.supervisor
        assert found, f"no supervisor lives; {self.said()}"
        return found

    def said(self) -> str:
        """What its processes have written, for a test that fails."""
        files = [self.home / "run.log", self.home / "watch.log"]
        return "\n".join(file.read_text() for file in files if file.exists())


@contextmanager
def machine_in(
    folder: Path, account: Account, notified: Notified, interpreter: str = "", **environment: str
) -> Iterator[Machine]:
    """A machine that has booted, with the agent on its disk."""
    chosen = {"interpreter": interpreter} if interpreter else {}
    sandbox = Sandbox(
        folder / f"machine-{next(_NUMBERS)}", account.environment | environment, **chosen
    )
    machine = Machine(sandbox, account, notified)
    try:
        sandbox.boot(b"")
        machine.home.mkdir(parents=True)
        (machine.home / "agent.pyz").write_bytes(packed())
        yield machine
    finally:
        sandbox.power_off()
