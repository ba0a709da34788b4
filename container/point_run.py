"""One point of a sweep, from its parameters to its result in S3.

A point leaves no commit, branch or comment: thousands of them would bury the project. What it made
is below its sweep's place in S3, and the result comes last, so that who sees it finds all else.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from container import bundle, changes, compute, metrics, parameters, point_result, publish
from container.checkout import check_out
from container.command import output_directory
from container.exits import Exit, JobFailed
from container.experiment import Experiment
from container.log import say, step
from container.made import Made
from container.metrics import NoObjective
from container.point import Point
from container.processes import Interrupted
from container.run import push_data, save_finished
from container.s3 import S3Failed
from container.work import Work
from container.written import Written

# Batch counts a timeout from the container's start, we from the program's.
_START_SECONDS = 15


class PointRun:
    """A point at work, and what is known of it when it ends."""

    def __init__(self, work: Work, point: Point) -> None:
        self._work = work
        self._point = point
        self._parameters: dict[str, Any] = {}
        self._metrics: dict[str, Any] = {}
        self._objective: float | None = None
        self._experiment: Experiment | None = None
        self._earlier: dict[str, Any] | None = None
        self._unsaved = False

    def run(self) -> None:
        """Compute the point, unless an earlier try has.

        Raises:
            JobFailed: it has failed, see `exits`.
            Interrupted: SIGTERM came before what it made was safe.
        """
        self._earlier = point_result.earlier(self._work, self._point)
        if self._earlier is not None:
            say("an earlier try of this point had succeeded: only its result is told again")
            return
        self._parameters = self._read()
        words = parameters.words_of(self._work.settings, self._point.name, self._parameters)
        self._tell_programs(words)
        self._check_out()
        self._compute(words)

    def end(self, copy: Path, code: int, reason: str) -> int:
        """Store the log, the file `copy`, and the result; the exit code that the job ends with.

        An interrupted point has no result, since Batch may try it again (a lost machine) or
        somebody knows why it has ended (a stop). If the time is up it has one: Batch tries no
        job again that has taken too long (user guide, "Job timeouts").
        """
        try:
            ended = self._end(copy, code, reason)
        except Interrupted:
            say("interrupted by SIGTERM: there is no time for the result")
            return code or Exit.INTERRUPTED
        if self._unsaved:
            self._save_at_last()
        return ended

    def _save_at_last(self) -> None:
        try:
            save_finished(self._work)
        except Interrupted:
            say("interrupted by SIGTERM: there was no time to save what was finished")

    def _end(self, copy: Path, code: int, reason: str) -> int:
        if self._earlier is not None:
            # Of now, for watchers have gone on from when it was first to be told.
            again = {**self._earlier, "at_ms": _now_ms()}
            return point_result.store(self._work, self._point, again)
        log = publish.store_point_log(self._work, copy, self._point.log_copy)
        if code == Exit.INTERRUPTED:
            if not self._timed_out():
                return code
            reason = f"timed out after {self._work.settings.timeout_seconds} s"
        body = self._result(ok=code == Exit.DONE, reason=reason, log=log)
        stored = point_result.store(self._work, self._point, body)
        return code or stored

    def _read(self) -> dict[str, Any]:
        address = self._point.listed_in
        with step(f"read point {self._point.index} of {address}"):
            try:
                found = parameters.parse(self._work.s3.read(address, self._point.line))
            except S3Failed as failed:
                raise JobFailed(
                    Exit.STORAGE_FAILED, f"reading the parameters: {failed}"
                ) from failed
        say(f"parameters: {json.dumps(found, ensure_ascii=False)}")
        return found

    def _tell_programs(self, words: Sequence[str]) -> None:
        """Let the point be seen: by what runs in its environment, by people as what has run."""
        settings = self._work.settings
        self._work.dvc.environment.update(
            {
                f"{settings.prefix}_POINT": json.dumps(self._parameters),
                f"{settings.prefix}_TARGET": self._point.target,
            }
        )
        shown = shlex.join(words)
        if settings.command:
            self._work.settings = replace(settings, command=shown, arguments="")
        else:
            self._work.settings = replace(settings, arguments=shown)

    def _check_out(self) -> None:
        job = self._work.job
        with step(f"clone {job.workspace}/{job.repository}"):
            check_out(self._work.git, self._work.origin, job)
        if self._work.settings.changes:
            changes.apply(self._work, *self._work.settings.changes)

    def _compute(self, words: Sequence[str]) -> None:
        work, point = self._work, self._point
        written = Written(work, output_directory(work), point.objective)
        try:
            made = compute.compute(work, words)
        except (Interrupted, JobFailed):
            # No try follows that could tell of a point whose time is up: its result comes first.
            self._unsaved = self._timed_out()
            if not self._unsaved:
                save_finished(work)
            raise
        push_data(work)
        self._metrics = work.dvc.metrics() if made.by_dvc else written.metrics()
        self._experiment = made.experiment
        if made.experiment:
            bundle.keep_experiment(work, made.experiment)
        if made.failure:
            raise made.failure
        if point.objective:
            self._objective = self._judged(made)

    def _judged(self, made: Made) -> float:
        try:
            return metrics.objective(self._metrics, self._point.objective)
        except NoObjective as missing:
            how = (
                "name a file with it under `metrics` in dvc.yaml"
                if made.by_dvc
                else 'write it to metrics.json, or print {"name": number} as the last line'
            )
            code = Exit.STAGE_FAILED if made.by_dvc else Exit.COMMAND_FAILED
            raise JobFailed(code, f"{missing}: {how}") from missing

    def _timed_out(self) -> bool:
        limit, at = self._work.settings.timeout_seconds, self._work.children.interrupted_at
        return bool(limit and at) and (at or 0) - self._work.started >= limit - _START_SECONDS

    def _result(self, *, ok: bool, reason: str, log: str) -> dict[str, Any]:
        work, point = self._work, self._point
        found, kept = self._experiment, self._kept()
        return {
            "index": point.index,
            "wave": point.wave,
            "attempt": int(work.job.attempt),
            "try": work.settings.try_number,
            "target": point.target or None,
            "parameters": self._parameters,
            "ok": ok,
            "reason": work.masks.hide(reason),
            "objective": self._objective if ok else None,
            "metrics": kept,
            "seconds": round(time.monotonic() - work.started, 3),
            "commit": work.job.commit,
            "experiment": None if found is None else {"name": found.name, "commit": found.commit},
            "log": log,
            "notes": [work.masks.hide(note) for note in work.notes],
            "at_ms": _now_ms(),
        }

    def _kept(self) -> dict[str, Any]:
        try:
            return metrics.fitted(self._metrics)
        except ValueError as error:
            self._work.note(f"The metrics are not kept: {error}")
            return {}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
