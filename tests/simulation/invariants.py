"""What must be true of a world after every step, and once it is at rest.

Each invariant has a stable name, see `Violation`. After a step only what is new is looked at.

After every step: `record-unasked`, `one-record`, `record-is-as-asked`, `result-starts-run`,
`versions-by-one`, `attempts-by-one`, `attempt-unasked`, `states-forward`, `final-forever`,
`job-stays`, `stop-unasked`, `stop-is-kept`, `stop-passed-on`, `one-job`, `job-without-record`,
`job-of-its-attempt`,
`job-after-stop`, `job-as-noted`, `job-is-as-asked`, `foreign-job-ended`, `job-ended-unasked`,
`published-was-written`, `status-of-a-record`, `no-secret-told`, `unsigned-not-told`,
`unsigned-has-no-effect`, `unsigned-accepted`, `foreign-accepted`, `genuine-refused`,
`genuine-ignored`, `early-dead-letter`, `no-unforeseen-error`, `newer-is-kept`, `points-are-listed`,
`sweep-best-is-true`, `best-was-left`, `best-never-worse`.

Whenever nothing is on its way, and at rest: `every-write-published`, `status-is-the-records`.

At rest: `push-without-record`, `run-ends`, `job-or-rejection`, `true-job`, `true-end`,
`true-reason`, `job-runs-on`, `sweep-is-concluded`, `sweep-figures-are-true`, `best-is-kept`,
`message-stuck`, `message-lost`, `dead-letters-heal`.
"""

import json
from collections.abc import Callable, Iterator, Sized
from itertools import islice
from typing import Any

from shared.events import RunStateChanged
from tests.simulation import dead_letters, names, rest, told
from tests.simulation.jobs import Jobs
from tests.simulation.models.messages import Message
from tests.simulation.records import FINAL, Records
from tests.simulation.sweeps import Sweeps
from tests.simulation.violations import Violation
from tests.simulation.world import World

__all__ = ["Violation", "Watch", "after_step", "at_rest"]

# What an event says besides in other words.
_DERIVED = frozenset(RunStateChanged.model_computed_fields)
_TOLD = frozenset(field.alias or name for name, field in RunStateChanged.model_fields.items())


def after_step(world: World) -> None:
    """Look at what the last step has brought.

    Raises:
        Violation: an invariant does not hold.

    """
    if world.watch is None:
        world.watch = Watch(world)
    world.watch.look()


def when_quiet(world: World) -> None:
    """Look at what must hold whenever nothing is on its way, if that is so now.

    Raises:
        Violation: an invariant does not hold.

    """
    if world.watch is not None:
        world.watch.look_if_quiet()


def at_rest(world: World) -> None:
    """Look at everything, once nothing moves any more.

    Raises:
        Violation: an invariant does not hold.

    """
    after_step(world)
    watch = world.watch
    if watch is not None:
        rest.check(world, watch.records, watch.jobs, watch.published)
        for record in watch.records.latest.values():
            watch.sweeps.check_kept(record, record["repository"]["full_name"])


class Watch:
    """What has been looked at so far, and what was seen."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._table = names.ref("RunsTable")
        self._best = names.ref("BestResultsTable")
        self._pushes = names.ref("PushesQueue")
        self._of_jobs = (names.ref("RunsQueue"), names.ref("BatchEventsQueue"))
        self.records = Records.none_yet(world.ledger)
        self.jobs = Jobs(world.ledger, self.records, world.batch)
        self.sweeps = Sweeps(world.ledger, world.batch)
        self.published: set[tuple[str, int]] = set()
        self._shown: dict[str, set[str]] = {}
        # Jobs that were noted of attempts that are to stop, with their runs' ids.
        self._to_end: dict[str, str] = {}
        # The lists themselves: they are looked at after every step.
        self._letters = {url: world.sqs.dead(url) for url in rest.URLS}
        self._dead = dict.fromkeys(rest.URLS, 0)
        self._undelivered = world.sqs.waiting(names.ref("UndeliveredDlq"))
        # What is new in each of these, and who looks at it.
        self._looks: tuple[tuple[Sized, Callable[[int], None]], ...] = (
            (world.dynamodb.writes, self._look_at_writes),
            (world.batch.submissions, self._look_at_submissions),
            (world.batch.terminations, self._look_at_terminations),
            (world.eventbridge.published, self._look_at_events),
            (world.bitbucket.history, self._look_at_statuses),
            (world.log_lines, self._look_at_lines),
            (world.answers, self._look_at_answers),
            (world.sqs.sent, self._look_at_messages),
            (world.ledger.complaints, self._look_at_complaints),
        )
        self._seen = [0] * len(self._looks)
        # How much had been written and posted when it was quiet the last time.
        self._quiet = (0, 0)

    def look(self) -> None:
        """Look at what is new.

        Raises:
            Violation: an invariant does not hold.

        """
        seen = self._seen
        for place, (all_of_it, look) in enumerate(self._looks):
            length = len(all_of_it)
            if length > seen[place]:
                first, seen[place] = seen[place], length
                look(first)
        if self._to_end:
            self._look_at_stops()
        for url, letters in self._letters.items():
            if len(letters) != self._dead[url]:
                self._look_at_dead_letters(url, letters)

    def look_if_quiet(self) -> None:
        """Look at what has been told of every record, unless something is on its way.

        Raises:
            Violation: an invariant does not hold.

        """
        world = self._world
        if world.scheduler.on_the_way:
            return
        now = (len(world.dynamodb.writes), len(world.bitbucket.history))
        if now == self._quiet or any(map(world.sqs.waiting, rest.URLS)):
            return
        # A tick of the schedule that nobody could be called with tells nothing to anybody.
        if any(self._letters.values()) or any(one.attributes for one in self._undelivered):
            return
        self._quiet = now
        world.count("quiet moments")
        for record in self.records.latest.values():
            # Whoever gave a command reads that it failed; the reconciler tells of it later.
            if (record["run_id"], record["version"]) not in world.ledger.broken_off:
                told.check(world, record, self.published)

    def _look_at_writes(self, first: int) -> None:
        for write in islice(self._world.dynamodb.writes, first, None):
            self._check_secret("a record", str(write.item))
            if write.table == self._best:
                self.sweeps.kept(write.item)
            if write.table == self._table:
                dropped = self._world.aged.dropped(write.item)
                if dropped:
                    text = f"run {write.key[0][:8]}: a write has dropped {dropped}"
                    raise Violation("newer-is-kept", text)
                record = self.records.written(self._world.aged.as_written(write.item))
                job_id = self.records.noted_though_stopped(record)
                if job_id is not None:
                    self._to_end[job_id] = record["run_id"]
                self.sweeps.written(record, self._world.scheduler.now)
                if record["state"] in FINAL:
                    self.jobs.ended(record, self._world.scheduler.now)
                shown = told.SHOWN[record["state"]]
                self._shown.setdefault(record["run_id"], set()).add(shown)

    def _look_at_submissions(self, first: int) -> None:
        world = self._world
        for job_id, submission in islice(world.batch.submissions.items(), first, None):
            self._check_secret(f"the submission of {job_id}", str(submission))
            self.jobs.submitted(job_id, submission, world.scheduler.now)

    def _look_at_terminations(self, first: int) -> None:
        for job_id, reason in islice(self._world.batch.terminations, first, None):
            self._check_secret(f"why {job_id} was ended", reason)
            self.jobs.terminated(job_id, reason)

    def _look_at_events(self, first: int) -> None:
        for event in islice(self._world.eventbridge.published, first, None):
            self._check_secret("an event", json.dumps(event["detail"]))
            detail: dict[str, Any] = {
                name: one for name, one in event["detail"].items() if name not in _DERIVED
            }
            run_id, version = detail["run_id"], detail["version"]
            written = self.records.versions.get((run_id, version))
            who = f"run {run_id[:8]} version {version}"
            if written is None:
                raise Violation("published-was-written", f"{who}: it was published, never written")
            true = {name: one for name, one in written.items() if name in _TOLD}
            if true != detail:
                both = true.keys() | detail.keys()
                differs = {
                    name: (detail.get(name), true.get(name))
                    for name in sorted(both)
                    if detail.get(name) != true.get(name)
                }
                raise Violation("published-was-written", f"{who}: told and written: {differs}")
            self.published.add((run_id, version))

    def _look_at_statuses(self, first: int) -> None:
        for posted in islice(self._world.bitbucket.history, first, None):
            run_id = posted.key.removeprefix("cloud-run-")
            record = self.records.latest.get(run_id)
            self._check_secret("a status", str(posted.status))
            if record is None:
                text = f"{posted.key} on {posted.commit[:12]}: there is no such run"
                raise Violation("status-of-a-record", text)
            full_name = self._world.bitbucket.first_name(record["repository"]["full_name"])
            place = (full_name, record["commit"], record["branch"])
            where = (posted.repository, posted.commit, posted.status.get("refname"))
            if where != place:
                text = f"run {run_id[:8]}: it was posted to {where}, not to {place}"
                raise Violation("status-of-a-record", text)
            if posted.status["state"] not in self._shown[run_id]:
                text = f"run {run_id[:8]}: {posted.status['state']}, which it never was"
                raise Violation("status-of-a-record", text)

    def _look_at_lines(self, first: int) -> None:
        canaries = self._world.ledger.canaries
        for line in islice(self._world.log_lines, first, None):
            self._check_secret("a log line", line)
            for canary in canaries:
                if canary in line:
                    text = f"{canary!r} of a delivery without a right signature: {line[:200]}"
                    raise Violation("unsigned-not-told", text)

    def _look_at_answers(self, first: int) -> None:
        for answer in islice(self._world.answers, first, None):
            self._check_secret("an answer of the webhook", answer)

    def _look_at_messages(self, first: int) -> None:
        for url, message in islice(self._world.sqs.sent, first, None):
            self._check_secret(f"a message of {url.rpartition('/')[2]}", message.body)
            if url == self._pushes:
                self._check_signed(message)

    def _check_signed(self, message: Message) -> None:
        pushed = json.loads(message.body)["detail"]
        about = (pushed["repository"]["uuid"], pushed["branch"], pushed["commit"])
        if about not in self._world.ledger.asks:
            text = f"{about} is on the queue, and nobody who may has pushed it"
            raise Violation("unsigned-has-no-effect", text)

    def _look_at_stops(self) -> None:
        """Somebody asked to stop an attempt before its job was noted: who noted it, ends it.

        It may be cut off before; then the message is not done, and is delivered again.
        """
        world = self._world
        terminated = {job_id for job_id, _ in world.batch.terminations}
        for job_id, run_id in list(self._to_end.items()):
            if job_id in terminated or job_id in world.ledger.endings:
                del self._to_end[job_id]
            elif not any(run_id in message.body for message in self._pending()):
                text = f"run {run_id[:8]}: {job_id} was noted though somebody had asked to stop it"
                raise Violation("stop-passed-on", f"{text}, and nobody is about to end it")

    def _pending(self) -> Iterator[Message]:
        """The messages of submitter and monitor that are not done, given up ones among them."""
        for url in self._of_jobs:
            yield from self._world.sqs.waiting(url)
            yield from self._world.sqs.dead(url)

    def _look_at_complaints(self, first: int) -> None:
        raise Violation(*self._world.ledger.complaints[first])

    def _look_at_dead_letters(self, url: str, letters: list[Message]) -> None:
        for letter in letters[self._dead[url] :]:
            dead_letters.check(self._world, url, letter)
        self._dead[url] = len(letters)

    def _check_secret(self, where: str, text: str) -> None:
        for secret in self._world.secrets:
            if secret in text:
                shown = text.replace(secret, "<secret>")[:200]
                raise Violation("no-secret-told", f"a secret stands in {where}: {shown}")
