"""What is done once for a sweep that is over: its best results are kept, its report is written."""

from datetime import UTC, datetime

from services.sweeper.dependencies import Dependencies
from services.sweeper.ranking import Ranking, ranked
from services.sweeper.report import Point, marker, report
from shared.best import Best
from shared.bitbucket_access import CommitGone, CredentialsRefused
from shared.errors import Rejected
from shared.events import Event, Progress, Sweep
from shared.points import Place, Result
from shared.runs import Run, state_changed
from shared.sweep_results import SweepResults
from shared.telemetry import log

_BEST_SHOWN = 10
_FAILED_SHOWN = 3
_BEST_KEPT = 3


def conclude(run: Run, needs: Dependencies) -> list[Event]:
    """Finish an attempt that is over: table, comment, record; each bears being done twice.

    Nothing for a quiet one, which somebody watches who does all of it.
    """
    sweep = run.asked.sweep
    if sweep is None or run.asked.quiet:
        return []
    if run.progress is not None and run.progress.complete:
        return [state_changed(run)]  # whoever wrote it may have been cut off before telling
    results = needs.results(Place(run.slug, sweep.sweep_id))
    found = results.new(None)
    ranking = ranked(found, sweep, run.attempt)
    last = found[-1][0] if found else None
    run = run.changed(progress=_completed(run, sweep, ranking, last, needs.clock()))
    best = [_point(results, key, one) for key, one in ranking.best[:_BEST_SHOWN]]
    failed = [_point(results, key, one) for key, one in ranking.failed[:_FAILED_SHOWN]]
    note = _keep(run, sweep, best[:_BEST_KEPT], needs)
    _comment(run, report(run, sweep, best, failed, note), needs)

    def complete(stored: Run) -> Run:
        if stored.attempt != run.attempt:
            return stored
        return stored.changed(progress=run.progress, updated_at=needs.clock())

    after = needs.runs.change(run.run_id, complete) or run
    log.info("sweep concluded", state=after.state, results=len(found))
    return [state_changed(after)]


def _completed(
    run: Run, sweep: Sweep, ranking: Ranking, last: str | None, now: datetime
) -> Progress:
    """The progress with the best of all results; counted by them where Batch could not be asked."""
    counted = run.progress or Progress(
        size=sweep.size,
        succeeded=ranking.succeeded,
        failed=len(ranking.failed),
        looked_at=now,
    )
    best = repr(ranking.best[0][1].objective) if ranking.best else None
    return counted.model_copy(
        update={"running": 0, "best": best, "seen": last, "looked_at": now, "complete": True}
    )


def _point(results: SweepResults, key: str, result: Result) -> Point:
    body = results.body(key)
    return Point(
        index=result.index,
        objective=result.objective,
        parameters=dict(body.get("parameters") or {}),
        reason=str(body.get("reason") or ""),
        commit=body.get("commit"),
        at=datetime.fromtimestamp(result.at_ms / 1000, UTC),
    )


def _keep(run: Run, sweep: Sweep, best: list[Point], needs: Dependencies) -> str | None:
    """Keep the best results in the stack's table; why they are not kept, or None."""
    if not best or sweep.objective is None:
        return None
    target = sweep.target or (run.repository.full_name if run.repository else "")
    entries = [
        Best(
            objective=one.objective,
            parameters=one.parameters,
            sweep_id=sweep.sweep_id,
            wave=sweep.wave,
            index=one.index,
            commit=one.commit,
            at=one.at,
        )
        for one in best
        if one.objective is not None
    ]
    try:
        needs.best.commit(target, sweep.objective, entries, _BEST_KEPT, sweep.direction)
    except Rejected as reason:
        log.info("best results not kept", reason=str(reason))
        return f"The best results were not kept: {reason}"
    return None


def _comment(run: Run, text: str, needs: Dependencies) -> None:
    if run.repository is None or run.commit is None:
        return
    try:
        needs.bitbucket.comment(run.repository, run.commit, marker(run.run_id), text)
    except CommitGone:
        log.warning("commit gone", repository=run.repository.full_name, commit=run.commit)
    except CredentialsRefused as error:
        log.error("bitbucket credentials refused", doing=str(error))
        raise
