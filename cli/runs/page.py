"""A run as a page: all that is known of it."""

from collections.abc import Iterator
from datetime import datetime

from cli.runs import machines
from cli.runs.wording import asks, how_far, moment, name, state, took
from cli.shown import age, printable
from shared.events import Job, Sweep
from shared.runs import Run, Stop


def described(run: Run, now: datetime) -> Iterator[str]:
    """All that is known of a run, a fact a line."""
    known = {label: fact for label, fact in _facts(run, now).items() if fact}
    width = max(map(len, known))
    for label, fact in known.items():
        yield f"{label:<{width}}  {printable(fact)}"


def _facts(run: Run, now: datetime) -> dict[str, str | None]:
    return {
        "run": run.run_id,
        "state": state(run),
        "reason": run.reason,
        "exit code": None if run.exit_code is None else str(run.exit_code),
        "stop": _stop(run.stop_asked),
        "waits": run.blocked.reason if run.blocked is not None and not run.final else None,
        "progress": how_far(run),
        "repository": None if run.repository is None else run.repository.full_name,
        "branch": run.branch,
        "commit": run.commit,
        "asks for": asks(run),
        "sweep": _place(run.asked.sweep),
        "resources": _resources(run),
        "asked by": name(run.pushed_by),
        "attempt": f"{run.attempt}" + (f", try {run.try_number}" if run.try_number > 1 else ""),
        **_job(run.job),
        **({} if run.machine is None else machines.facts(run, run.machine)),
        "requested": _when(run.requested_at, now),
        "submitted": _when(run.submitted_at, now),
        "started": _when(run.started_at, now),
        "ended": _when(run.stopped_at, now),
        "took": took(run),
    }


def _place(sweep: Sweep | None) -> str | None:
    return None if sweep is None else f"{sweep.sweep_id}, wave {sweep.wave}"


def _stop(stop: Stop | None) -> str | None:
    return None if stop is None else f"asked by {stop.by}: {stop.why}"


def _job(job: Job | None) -> dict[str, str | None]:
    if job is None:
        return {}
    return {
        "job": job.name,
        "job id": job.id,
        "job queue": job.queue,
        "definition": job.definition,
        "log stream": job.log_stream,
    }


def _resources(run: Run) -> str | None:
    asked = run.asked
    named = (
        (asked.gpus, "1 GPU" if asked.gpus == 1 else f"{asked.gpus} GPUs"),
        (asked.memory_mib, f"{asked.memory_mib} MiB"),
        (asked.vcpus, "1 vCPU" if asked.vcpus == 1 else f"{asked.vcpus} vCPUs"),
    )
    return ", ".join(words for number, words in named if number is not None) or None


def _when(time: datetime | None, now: datetime) -> str | None:
    return None if time is None else f"{moment(time)}, {age(now - time)} ago"
