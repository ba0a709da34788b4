"""One look at a sweep: what it writes down, and what follows from it."""

from datetime import datetime

from services.sweeper.concluding import conclude, keep_best
from services.sweeper.dependencies import Dependencies
from services.sweeper.ranking import best_value
from services.sweeper.turns import in_turn, is_first_or_again, next_look, taken
from shared.batch_jobs import JobDetail, described
from shared.events import Event, Progress, SweepDue
from shared.following import follow, gone
from shared.points import Place
from shared.progress import progress
from shared.runs import Run, state_changed
from shared.telemetry import log


def look(due: SweepDue, needs: Dependencies) -> list[Event]:
    """Look at the sweep of an attempt; what follows, with the next look while it is not over."""
    run = needs.runs.get(due.run_id)
    if run is None or run.asked.sweep is None:
        return []
    if due.attempt < run.attempt:
        # Run again before this attempt was concluded: the report is left to the newer one.
        keep_best(run, due.attempt, needs)
        return []
    if due.attempt > run.attempt or run.job is None or run.job.id is None:
        return []  # nothing was submitted; when it is, the submitter begins a chain
    if run.final:
        return conclude(run, needs)
    if not in_turn(due, run.progress):
        log.info("second chain of looks ended", look=due.look)
        return []
    return _looked(run, run.job.id, due, needs)


def _looked(run: Run, job_id: str, due: SweepDue, needs: Dependencies) -> list[Event]:
    found = needs.jobs.describe([job_id])
    job = found[0] if found else None
    after = _turn_taken(run, due, needs) if job is None else _written(run, job, due, needs)
    status = None if job is None else job.status
    log.info("sweep looked at", status=status, state=after.state, version=after.version)
    if after.final or after.attempt != run.attempt or after.progress is None:
        return [due]  # the next look does what is to be done for it
    if not in_turn(due, after.progress):
        return []  # another chain was first
    told: list[Event] = [next_look(due, after.progress)]
    if _is_to_be_heard(job, after, needs.clock()):
        # The record ends by the monitor, which knows of stops and of second jobs. It also ends the
        # job of a sweep that is to stop: whoever asked for that may not have come so far.
        told.append(described(after, job_id, job))
    return [*told, state_changed(after)] if _is_news(run, after, due) else told


def _is_to_be_heard(job: JobDetail | None, run: Run, now: datetime) -> bool:
    if job is None:
        return gone(run, now) is not run
    return job.over or run.stop_asked is not None


def _turn_taken(run: Run, due: SweepDue, needs: Dependencies) -> Run:
    """The record after a look that Batch did not show the job to: of several chains one goes on."""
    sweep = run.asked.sweep
    if sweep is None:
        return run
    first = Progress(size=sweep.size, looked_at=run.submitted_at or run.requested_at)

    def take(stored: Run) -> Run:
        if stored.attempt != run.attempt or stored.final or not in_turn(due, stored.progress):
            return stored
        return stored.changed(
            progress=taken(due, stored.progress or first), updated_at=needs.clock()
        )

    return needs.runs.change(run.run_id, take) or run


def _written(run: Run, job: JobDetail, due: SweepDue, needs: Dependencies) -> Run:
    """The record after what Batch and S3 say of its points has been written down."""
    sweep = run.asked.sweep
    if sweep is None:
        return run
    seen = run.progress.seen if run.progress is not None else None
    results = needs.results(Place(run.slug, sweep.sweep_id))
    new = results.new(seen)
    now = needs.clock()

    def move(stored: Run) -> Run:
        if stored.attempt != run.attempt or stored.final or not in_turn(due, stored.progress):
            return stored
        moved = stored if job.over else follow(stored, job, now)
        count = progress(moved, job, now)
        if count is None:
            return stored
        known = None if count.best is None else float(count.best)
        best = best_value((one for _, one in new), sweep, run.attempt, known)
        last = {
            "best": None if best is None else repr(best),
            "seen": new[-1][0] if new else count.seen,
            "looked_at": now,
        }
        count = taken(due, count.model_copy(update=last))
        return moved.changed(progress=count, updated_at=now)

    return needs.runs.change(run.run_id, move) or run


def _is_news(before: Run, after: Run, due: SweepDue) -> bool:
    """Whether something is to be told: it has changed, or it may not have been told.

    A function that was cut off between writing and telling finds its own words in the record.
    """
    if before.progress is None or after.progress is None or before.state != after.state:
        return True
    again = is_first_or_again(due, before.progress)
    return again or _figures(before, before.progress) != _figures(after, after.progress)


def _figures(run: Run, of: Progress) -> tuple[object, ...]:
    shown = run.blocked.reason if run.blocked is not None and run.blocked.shown else None
    return of.succeeded, of.failed, of.running, of.best, shown
