"""The invariants of Batch's jobs: of each that is submitted, and of each that is ended."""

from typing import Any

from tests.samples import GPU_JOB_QUEUE, JOB_QUEUE
from tests.simulation.ledger import Ask, Ledger
from tests.simulation.models.batch import Batch
from tests.simulation.pushes import PREFIX
from tests.simulation.records import FINAL, Record, Records, named, stop_of
from tests.simulation.violations import Violation

# The fault that ListJobs lags behind by more than the lease allows for; it strikes a job's name.
LISTED_LATE = "list-lag-beyond"
# A second job is decided upon before it is there: a submitter runs for 30 s (template.yaml), and
# what it sends lands 65 s later at the latest (`effects`).
_DECIDED_SECONDS = 95.0
# Of a job whose machines are lost: container/project.yaml.
_TRIES = 3
# (run id, attempt)
Attempt = tuple[str, int]


class Jobs:
    """All jobs of ours, by the attempt that each says it is of.

    `overlooked` are the attempts that ended without a job though one was there, and right so.
    """

    def __init__(self, ledger: Ledger, records: Records, batch: Batch) -> None:
        self._ledger = ledger
        self._records = records
        self._batch = batch
        self._begun: dict[str, float] = {}
        self.of_attempts: dict[Attempt, list[str]] = {}
        self.overlooked: set[Attempt] = set()

    def ended(self, record: Record, now: float) -> None:
        """Look at a record that was written just now, `now`: it may have ended without its job."""
        attempt = (record["run_id"], record["attempt"])
        if not (record.get("job") or {}).get("id") and self._is_hidden(attempt, now):
            self.overlooked.add(attempt)

    def _is_hidden(self, attempt: Attempt, now: float) -> bool:
        """Whether ListJobs lags behind a job of the attempt by more than the lease allows for.

        A second job of the attempt is then possible, and has to be ended. One that comes sooner
        than that, or once the first is listed, is not excused.
        """
        batch, allowed = self._batch, self._batch.lag_seconds
        for job_id in self.of_attempts.get(attempt, []):
            begun, listed = self._begun[job_id], batch.listed_from[job_id]
            late = listed - begun > allowed and now - begun > allowed
            if late and now < listed + _DECIDED_SECONDS:
                return True
        return False

    def submitted(self, job_id: str, told: dict[str, Any], now: float) -> None:
        """Look at a job that has just been submitted, `now`.

        Raises:
            Violation: it must not be, or not be like that.

        """
        if job_id in self._ledger.foreign_jobs:
            return
        parameters = told.get("parameters", {})
        attempt = (parameters.get("runId", ""), int(parameters.get("attempt", "0")))
        who = f"job {job_id} of run {attempt[0][:8]} attempt {attempt[1]}"
        hidden = self._is_hidden(attempt, now)
        self._begun[job_id] = now
        others = self.of_attempts.setdefault(attempt, [])
        others.append(job_id)
        if len(others) > 1 and not hidden:
            raise Violation("one-job", f"{who}: the attempt has {others[0]} already")
        record = self._records.latest.get(attempt[0])
        if record is None:
            raise Violation("job-without-record", f"{who}: there is no such run")
        if record["attempt"] != attempt[1] and not hidden:
            raise Violation("job-of-its-attempt", f"{who}: the record is at {named(record)}")
        if record["state"] in FINAL and not hidden:
            raise Violation("job-of-its-attempt", f"{who}: {named(record)} is {record['state']}")
        if self._records.claims.get(attempt):
            text = f"{who}: somebody had asked to stop it before it was claimed"
            raise Violation("job-after-stop", text)
        ask = self._records.ask_of(record)
        if ask is not None:
            _check_told(who, told, ask)
        noted = record.get("job") or {}
        if record["attempt"] == attempt[1] and noted.get("name") != told["jobName"]:
            text = f"{who}: it is called {told['jobName']}, the record says {noted.get('name')}"
            raise Violation("job-as-noted", text)

    def terminated(self, job_id: str, reason: str) -> None:
        """Look at a job that somebody has just asked Batch to end.

        Raises:
            Violation: nobody wanted that.

        """
        if job_id in self._ledger.ended_outside:
            return
        if job_id in self._ledger.foreign_jobs:
            raise Violation("foreign-job-ended", f"job {job_id} is somebody else's: {reason}")
        if ":" in job_id:
            raise Violation("job-ended-unasked", f"{job_id} is one point of a sweep: {reason}")
        for record in self._records.latest.values():
            followed = (record.get("job") or {}).get("id") == job_id
            if followed and stop_of(record) is None:
                text = f"job {job_id} of {named(record)}, which nobody stopped: {reason}"
                raise Violation("job-ended-unasked", text)


def _check_told(who: str, told: dict[str, Any], ask: Ask) -> None:
    """See that a job is told what its commit asks for."""
    wanted = ask.commit.wanted
    if wanted is None:
        return
    overrides = told.get("containerOverrides", {})
    resources = {one["type"]: one["value"] for one in overrides.get("resourceRequirements", [])}
    variables = {one["name"]: one["value"] for one in overrides.get("environment", [])}
    parameters = told.get("parameters", {})
    seen = {
        "queue": told["jobQueue"],
        "commit": parameters.get("commitHash"),
        "branch": parameters.get("branchName"),
        "repository": f"{parameters.get('workspaceName')}/{parameters.get('repositoryName')}",
        "arguments": variables.get(f"{PREFIX}_RUN_ARGS"),
        "experiment": variables.get(f"{PREFIX}_RUN_EXP") == "1",
        "GPU": resources.get("GPU"),
        "MEMORY": resources.get("MEMORY"),
        "VCPU": resources.get("VCPU"),
        "points": told.get("arrayProperties", {}).get("size"),
        "tries": told.get("retryStrategy", {}).get("attempts"),
    }
    expected = {
        "queue": GPU_JOB_QUEUE if wanted.gpus else JOB_QUEUE,
        "commit": ask.commit.hash,
        "branch": ask.branch,
        "repository": ask.repository.full_name,
        "arguments": wanted.arguments,
        "experiment": wanted.experiment,
        "GPU": _text(wanted.gpus),
        "MEMORY": _text(wanted.memory_mib),
        "VCPU": _text(wanted.vcpus),
        "points": wanted.points,
        # Those that the job definition has for lost machines come on top.
        "tries": wanted.retries + _TRIES if wanted.retries else None,
    }
    differs = {name: one for name, one in seen.items() if one != expected[name]}
    if differs:
        raise Violation("job-is-as-asked", f"{who}: {differs}, but {ask} asks for {wanted}")


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
