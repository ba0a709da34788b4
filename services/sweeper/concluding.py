"""What is done once for a sweep that is over: its best results are kept, its report is written."""

from collections.abc import Sequence
from datetime import datetime

from services.sweeper.bodies import point
from services.sweeper.dependencies import Dependencies
from services.sweeper.ranking import Found, Ranking, ranked
from services.sweeper.report import Point, marker, report
from shared.best import Best
from shared.bitbucket_refusals import CredentialsRefused, NotFound, UnexpectedAnswer
from shared.errors import Rejected
from shared.events import Event, Progress, Sweep
from shared.gone import believe_gone
from shared.points import MOST_LISTED, Place
from shared.runs import Run, state_changed
from shared.sweep_results import SweepResults
from shared.telemetry import log

_BEST_SHOWN = 10
_FAILED_SHOWN = 3
_BEST_KEPT = 3
_TOO_MANY = (
    f"Not all results were read: this sweep has left more than {MOST_LISTED:,} objects where its "
    "results are, and its points leave fewer."
)


def conclude(run: Run, needs: Dependencies) -> list[Event]:
    """Finish an attempt that is over: figures, table, comment; each bears being done twice.

    The figures are written first, so that the record has them also where Bitbucket is away for
    hours; only what is `complete` is told. Nothing for a quiet one, which somebody watches who does
    all of it.
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
    figures = _figures(run, sweep, ranking, last, needs.clock())
    run = _written(run, figures, needs) or run.changed(progress=figures)
    best = _points(results, ranking.best[:_BEST_SHOWN])
    failed = _points(results, ranking.failed[:_FAILED_SHOWN])
    notes = (_TOO_MANY if found.cut else None, _keep(run, sweep, best, needs))
    note = " ".join(filter(None, notes))
    _comment(run, report(run, sweep, best, failed, note or None), needs)
    after = _written(run, figures.model_copy(update={"complete": True}), needs)
    log.info("sweep concluded", state=run.state, results=len(found))
    # Run again meanwhile: the record is the newer attempt's, and an event never tells what no
    # version of the record has said.
    return [] if after is None else [state_changed(after)]


def keep_best(run: Run, attempt: int, needs: Dependencies) -> None:
    """Keep the best results of an earlier attempt, which was run again before it was concluded."""
    sweep = run.asked.sweep
    if sweep is None or run.asked.quiet:
        return
    results = needs.results(Place(run.slug, sweep.sweep_id))
    ranking = ranked(results.new(None), sweep, attempt)
    _keep(run, sweep, _points(results, ranking.best[:_BEST_SHOWN]), needs)
    log.info("best results of an earlier attempt kept", attempt=attempt)


def _figures(run: Run, sweep: Sweep, ranking: Ranking, last: str | None, now: datetime) -> Progress:
    """The progress with the best of all results; counted by them where Batch could not be asked."""
    counted = run.progress or Progress(
        size=sweep.size,
        succeeded=ranking.succeeded,
        failed=len(ranking.failed),
        looked_at=now,
    )
    best = repr(ranking.best[0][1].objective) if ranking.best else None
    return counted.model_copy(update={"running": 0, "best": best, "seen": last, "looked_at": now})


def _written(run: Run, progress: Progress, needs: Dependencies) -> Run | None:
    """The record with this progress; None, and nothing written, where another attempt has begun."""

    def write(stored: Run) -> Run:
        if stored.attempt != run.attempt:
            return stored
        return stored.changed(progress=progress, updated_at=needs.clock())

    after = needs.runs.change(run.run_id, write)
    return after if after is not None and after.attempt == run.attempt else None


def _points(results: SweepResults, found: Sequence[Found]) -> list[Point]:
    return [point(results, key, one) for key, one in found]


def _keep(run: Run, sweep: Sweep, best: Sequence[Point], needs: Dependencies) -> str | None:
    """Keep the best results in the stack's table; why they are not kept, or None."""
    if sweep.objective is None:
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
        if one.objective is not None and one.readable
    ][:_BEST_KEPT]
    if not entries:
        return None
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
    except NotFound as missing:
        believe_gone(run, missing, since=run.stopped_at or run.created_at, now=needs.clock())
    except UnexpectedAnswer as error:
        # It would refuse the same text again. The status and the results tell as much.
        log.warning("comment refused", doing=str(error))
    except CredentialsRefused as error:
        log.error("bitbucket credentials refused", doing=str(error))
        raise
