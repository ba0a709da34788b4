"""Mistakes with sweeps: when their points are over, which are the best."""

from tests.simulation.mutants.mutant import mutant

MUTANTS = (
    mutant(
        "refused credentials are given up where a sweep is concluded",
        "services/sweeper/concluding.py",
        (
            'log.error("bitbucket credentials refused", doing=str(error))\n        raise',
            'log.error("bitbucket credentials refused", doing=str(error))',
        ),
    ),
    mutant(
        "an array is over before its jobs are counted",
        "shared/progress.py",
        (
            "        return False\n    if job.stopped_at is None:",
            "        return False\n    return False\n    if job.stopped_at is None:",
        ),
    ),
    mutant(
        "the results of every attempt are ranked",
        "services/sweeper/ranking.py",
        (
            "for key, one in found if _is_of(sweep, attempt, one)}",
            "for key, one in found if one.wave == sweep.wave and one.index < sweep.size}",
        ),
    ),
    mutant(
        "the report looks at the latest results alone",
        "services/sweeper/concluding.py",
        (
            "    found = results.new(None)\n    ranking = ranked(found, sweep, run.attempt)",
            (
                "    found = results.new(None if run.progress is None else run.progress.seen)\n"
                "    ranking = ranked(found, sweep, run.attempt)"
            ),
        ),
    ),
    mutant(
        "Lambda may stop the sweeper's clock",
        "template.yaml",
        ("      RecursiveLoop: Allow\n", ""),
    ),
    mutant(
        "the best results take the place of better ones",
        "shared/best.py",
        ("best = merge(known, new, kept, direction)", "best = merge((), new, kept, direction)"),
    ),
    mutant(
        "a point that has failed may be the best",
        "services/sweeper/ranking.py",
        ("if ours and one.ok and value is not None", "if ours and value is not None"),
    ),
    mutant(
        "what is no number is the best value",
        "shared/points.py",
        ("if objective is not None and not math.isfinite(objective):", "if objective is None:"),
    ),
    mutant(
        "of a point that was tried again the first result counts",
        "shared/points.py",
        ("if other is None or _weight(other) <= _weight(one):", "if other is None:"),
    ),
    mutant(
        "as many failed points as are tolerated are too many",
        "shared/progress.py",
        (
            "if failed * 100 <= sweep.tolerated_percent * sweep.size:",
            "if failed == 0 or failed * 100 < sweep.tolerated_percent * sweep.size:",
        ),
    ),
    mutant(
        "a point of a sweep is taken for a job of its own",
        "shared/batch_jobs.py",
        ("return self._named if self.array.index is None else None", "return self._named"),
        ("return self._named if self.array.index is not None else None", "return None"),
    ),
    mutant(
        "points that fail are not tried again",
        "services/submitter/points.py",
        ("    if sweep.retries:\n", "    if sweep.retries > MOST_TRIES:\n"),
    ),
)
