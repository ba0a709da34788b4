"""The invariants of the run records, one write at a time.

A record begins because somebody asked for it; its version rises by one, its attempts by one for
each time that somebody asked again; within an attempt it moves forward, and an attempt that is over
stays as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.items import value
from tests.simulation.ledger import Ask, Ledger
from tests.simulation.models.scope import Item
from tests.simulation.violations import Violation

# For how long the webhook may go by the secret that it has read (`deliveries`); and by how much
# clocks of functions differ (`functions`).
_NAME_KEPT_SECONDS = 25.0
_CLOCKS_SECONDS = 10.0
_RANK = {"requested": 0, "submitted": 1, "running": 2}
FINAL = frozenset({"succeeded", "failed", "stopped", "rejected"})
# What an attempt that is over says of itself; a sweep's figures may still come.
_OF_AN_END = ("state", "reason", "exit_code", "try", "job", "stop", "stopped_at")
_OF_A_RUN = ("repository", "branch", "commit", "asked", "pushed_by", "created_at")

# A record as JSON has it.
Record = dict[str, Any]


def plain(item: Item) -> Record:
    """An item's attributes as plain values."""
    return {name: value(dict(one)) for name, one in item.items()}


@dataclass
class Records:
    """All records as they were written, each version of them.

    `latest` holds the newest by run id, `versions` every one by run id and version, `attempts` the
    last word of each attempt. `claims` tells of the newest lease of an attempt whether somebody had
    asked to stop it by then.
    """

    ledger: Ledger
    latest: dict[str, Record]
    versions: dict[tuple[str, int], Record]
    attempts: dict[tuple[str, int], Record]
    claims: dict[tuple[str, int], bool]
    _noted: set[str] = field(default_factory=set)

    @classmethod
    def none_yet(cls, ledger: Ledger) -> "Records":
        """Before anything was written."""
        return cls(ledger, {}, {}, {}, {})

    def written(self, item: Item) -> Record:
        """Look at one write; the record.

        Raises:
            Violation: it may not follow what was written before.

        """
        record = plain(item)
        run_id = record["run_id"]
        before = self.latest.get(run_id)
        if before is None:
            self._begins(record)
        else:
            self._follows(before, record)
        attempt = (run_id, record["attempt"])
        self.latest[run_id] = record
        self.versions[run_id, record["version"]] = record
        self.attempts[attempt] = record
        lease = record.get("lease_until")
        if lease is not None and (before is None or lease != before.get("lease_until")):
            self.claims[attempt] = stop_of(record) is not None
        return record

    def noted_though_stopped(self, record: Record) -> str | None:
        """The job that this write has noted first, of an attempt that somebody asked to stop."""
        job_id: str | None = (record.get("job") or {}).get("id")
        if job_id is None or job_id in self._noted:
            return None
        self._noted.add(job_id)
        return None if stop_of(record) is None or record["state"] in FINAL else job_id

    def ask_of(self, record: Record) -> Ask | None:
        """Who asked for the run of a record, and for what."""
        uuid: str = record.get("repository", {}).get("uuid", "")
        return self.ledger.asks.get((uuid, record.get("branch", ""), record.get("commit", "")))

    def _begins(self, record: Record) -> None:
        ask = self.ask_of(record)
        who = named(record)
        if ask is None or ask.commit.wanted is None:
            about = f"{record.get('branch')} at {record.get('commit')}"
            if ask is not None and ask.by == "results":
                raise Violation("result-starts-run", f"{who}: {about} is the result of a run")
            raise Violation("record-unasked", f"{who}: nobody asked for a run of {about}")
        twin = next((run_id for run_id, one in self.latest.items() if self.ask_of(one) is ask), "")
        if twin:
            raise Violation("one-record", f"{who}: {ask} has the record {twin} already")
        if (record["version"], record["attempt"]) != (1, 1):
            raise Violation("versions-by-one", f"{who}: it begins with version {record['version']}")
        wanted = ask.commit.wanted
        if is_refused_for_its_name(self.ledger, record, ask):
            return
        state = "rejected" if wanted.rejected else "requested"
        if record["state"] != state:
            raise Violation("record-is-as-asked", f"{who}: {record['state']}, not {state}: {ask}")
        if ask.at and state == "requested" and _is_unknown(self.ledger, record, ask):
            raise Violation("record-is-as-asked", f"{who}: nobody has added the new name of {ask}")
        _check_asked(record, ask)

    def _follows(self, before: Record, record: Record) -> None:
        who = named(record)
        if record["version"] != before["version"] + 1:
            versions = f"version {record['version']} was written over {before['version']}"
            raise Violation("versions-by-one", f"{who}: {versions}")
        changed = [name for name in _OF_A_RUN if record.get(name) != before.get(name)]
        if changed:
            raise Violation("record-is-as-asked", f"{who}: {changed} changed")
        if record["attempt"] != before["attempt"]:
            self._another_attempt(before, record)
        else:
            _same_attempt(before, record)
        stop = record.get("stop")
        if stop != before.get("stop"):
            self._stop_asked(record, stop)

    def _another_attempt(self, before: Record, record: Record) -> None:
        who = named(record)
        if record["attempt"] != before["attempt"] + 1 or record["state"] != "requested":
            raise Violation("attempts-by-one", f"{who}: {record['state']} after {named(before)}")
        if before["state"] not in FINAL:
            text = f"{who}: it begins though {named(before)} was {before['state']}"
            raise Violation("attempts-by-one", text)
        if record["attempt"] > 1 + self.ledger.reruns[record["run_id"]]:
            asked = self.ledger.reruns[record["run_id"]]
            raise Violation("attempt-unasked", f"{who}: it was run again {asked} times by people")
        left = [name for name in ("job", "lease_until", "exit_code") if record.get(name)]
        if left:
            raise Violation("attempts-by-one", f"{who}: {left} of the attempt before is in it")

    def _stop_asked(self, record: Record, stop: Mapping[str, Any] | None) -> None:
        who = named(record)
        if stop is None:
            raise Violation("stop-is-kept", f"{who}: the request to stop was dropped")
        if stop["by"] not in self.ledger.stops.get(record["run_id"], ()):
            raise Violation("stop-unasked", f"{who}: {stop['by']} never asked to stop it")
        if stop["attempt"] != record["attempt"] or record["state"] in FINAL:
            text = f"{who}: stop of attempt {stop['attempt']} while it is {record['state']}"
            raise Violation("stop-unasked", text)


def is_refused_for_its_name(ledger: Ledger, record: Record, ask: Ask) -> bool:
    """Whether a push was refused since its repository has another name than it was added by."""
    rename = ledger.renames.get(ask.repository.uuid)
    said = "has been renamed" in (record.get("reason") or "")
    return rename is not None and said and ask.at < rename.added_at + _NAME_KEPT_SECONDS


def _is_unknown(ledger: Ledger, record: Record, ask: Ask) -> bool:
    """Whether a record was made of a push by a name that nobody had added by then."""
    rename = ledger.renames.get(ask.repository.uuid)
    if rename is None or ask.repository.full_name != rename.name:
        return False
    created_at = datetime.fromisoformat(record["created_at"]).timestamp()
    return created_at < rename.added_at - _CLOCKS_SECONDS


def named(record: Record) -> str:
    """A record in a message: run, attempt, version."""
    return f"run {record['run_id'][:8]} attempt {record['attempt']} (version {record['version']})"


def stop_of(record: Record) -> Record | None:
    """The request to stop a record's current attempt."""
    stop: Record | None = record.get("stop")
    return stop if stop is not None and stop["attempt"] == record["attempt"] else None


def _check_asked(record: Record, ask: Ask) -> None:
    """See that the record holds what its commit asks for."""
    wanted, asked = ask.commit.wanted, record["asked"]
    if wanted is None or wanted.rejected:
        return
    told = {name: asked.get(name) for name in ("arguments", "gpus", "memory_mib", "vcpus")}
    told |= {"experiment": asked["experiment"], "points": asked.get("sweep", {}).get("size")}
    differs = {name: one for name, one in told.items() if one != getattr(wanted, name)}
    if differs:
        raise Violation("record-is-as-asked", f"{named(record)}: {differs}, not {wanted}")


def _same_attempt(before: Record, record: Record) -> None:
    who = named(record)
    if before["state"] in FINAL:
        changed = {
            name: (before.get(name), record.get(name))
            for name in _OF_AN_END
            if before.get(name) != record.get(name)
        }
        if changed:
            raise Violation("final-forever", f"{who}: it was over, and now: {changed}")
        return
    place = (record["try"], _RANK.get(record["state"], 3))
    if place < (before["try"], _RANK[before["state"]]):
        moved = f"{before['state']} (try {before['try']}) to {record['state']}"
        raise Violation("states-forward", f"{who}: from {moved} (try {record['try']})")
    told, known = record.get("job") or {}, before.get("job") or {}
    parts = ("name", "queue", "definition", "id")
    changed_job = [one for one in parts if known.get(one) and told.get(one) != known[one]]
    if changed_job:
        raise Violation("job-stays", f"{who}: {changed_job} changed from {known} to {told}")
    if told.get("id") and record["state"] == "requested":
        raise Violation("states-forward", f"{who}: it has the job {told['id']} and is requested")
