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
)
