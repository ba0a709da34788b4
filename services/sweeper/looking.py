"""One look at a sweep: what it writes down, and what follows from it."""

from datetime import timedelta

from services.sweeper.concluding import conclude
from services.sweeper.dependencies import Dependencies
from services.sweeper.ranking import best_value
from shared.batch_jobs import JobDetail, described
from shared.events import Event, Progress, SweepDue
from shared.following import follow
from shared.points import Place
from shared.progress import progress
from shared.runs import Run, state_changed
from shared.telemetry import log

# A chain's messages come 30 s apart (DelaySeconds of the queue in template.yaml). One that comes
# much sooner is of a second chain, as after a message that was delivered twice: that chain ends
# here. One that is given back comes after 15 s at least (shared/consumer.py), and goes on.
_FORKED = timedelta(seconds=14)
# Between these nothing has gone wrong with the look before: its news were told.
_REGULAR = timedelta(seconds=25), timedelta(seconds=60)


def look(due: SweepDue, needs: Dependencies) -> list[Event]:
    """Look at the sweep of an attempt; what follows, with the next look while it is not over."""
    run = needs.runs.get(due.run_id)
    if run is None or run.asked.sweep is None or run.attempt != due.attempt:
        return []  # another attempt has a chain of its own
    if run.job is None or run.job.id is None:
        return []  # nothing was submitted; when it is, the submitter begins a chain
    if run.final:
        return conclude(run, needs)
    if run.progress is not None and needs.clock() - run.progress.looked_at < _FORKED:
        log.info("second chain of looks ended")
        return []
    return [due, *_news(run, run.job.id, needs)]


def _news(run: Run, job_id: str, needs: Dependencies) -> list[Event]:
    found = needs.jobs.describe([job_id])
    if not found:
        return [described(run, job_id, None)]
    after = _written(run, found[0], needs)
    log.info("sweep looked at", status=found[0].status, state=after.state, version=after.version)
    told = [state_changed(after)] if _is_news(run, after) else []
    # The record ends by the monitor, which knows of stops and of second jobs.
    return [described(run, job_id, found[0]), *told] if found[0].over else list(told)


def _written(run: Run, job: JobDetail, needs: Dependencies) -> Run:
    """The record after what Batch and S3 say of its points has been written down."""
    sweep = run.asked.sweep
    if sweep is None:
        return run
    seen = run.progress.seen if run.progress is not None else None
    results = needs.results(Place(run.slug, sweep.sweep_id))
    new = results.new(seen)
    now = needs.clock()

    def move(stored: Run) -> Run:
        if stored.attempt != run.attempt or stored.final:
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
        return moved.changed(progress=count.model_copy(update=last), updated_at=now)

    return needs.runs.change(run.run_id, move) or run


def _is_news(before: Run, after: Run) -> bool:
    """Whether something is to be told: it has changed, or it may not have been told.

    A function that was cut off between writing and telling finds its own words in the record.
    """
    if before.progress is None or after.progress is None or before.state != after.state:
        return True
    least, most = _REGULAR
    elapsed = after.progress.looked_at - before.progress.looked_at
    return _figures(before.progress) != _figures(after.progress) or not least <= elapsed <= most


def _figures(of: Progress) -> tuple[object, ...]:
    return of.succeeded, of.failed, of.running, of.best
