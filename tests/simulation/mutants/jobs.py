"""Mistakes with jobs: when one is asked for, looked after and ended."""

from tests.simulation.mutants.mutant import mutant

_LEASE = "services/submitter/lease.py"
_SUBMISSION = "services/submitter/submission.py"
_HEARD = "services/monitor/messages.py"

MUTANTS = (
    mutant(
        "the lease is ignored",
        _LEASE,
        ("if run.lease_until is not None and now < run.lease_until:", "if now is None:"),
    ),
    mutant(
        "the lease is shorter than lists are stale",
        "services/submitter/app.py",
        ("lease_seconds=settings.lease_seconds,", "lease_seconds=settings.lease_seconds - 100,"),
    ),
    mutant(
        "a lease that has run out is taken over without a look",
        _SUBMISSION,
        ("found = needs.batch.find(job.queue, job.name) if taken_over else None", "found = None"),
    ),
    mutant(
        "a lease is given back though a job may exist",
        _SUBMISSION,
        (
            "        # Only after the lease can one tell whether the job exists.\n",
            "        release()\n",
        ),
    ),
    mutant(
        "a job definition that is not shown is believed to be missing at once",
        "services/submitter/unseen.py",
        ("timedelta(seconds=within_seconds)", "timedelta(0)"),
    ),
    mutant(
        "the client repeats SubmitJob",
        "services/submitter/app.py",
        ('submitting = clients.make("batch", attempts=1)', 'submitting = clients.make("batch")'),
    ),
    mutant(
        "nothing is published where nothing was written",
        _HEARD,
        (
            "    run = needs.runs.change(run_id, lambda run: follow(run, job, needs.clock()))\n",
            """\
    before = needs.runs.get(run_id)
    run = needs.runs.change(run_id, lambda run: follow(run, job, needs.clock()))
    if run is not None and run == before:
        return None
""",
        ),
    ),
    mutant(
        "a second job is left running",
        _HEARD,
        (
            "    if is_stray(job, run):\n",
            "    if is_stray(job, run) and run.job is None:\n",
        ),
    ),
    mutant(
        "nobody asks after runs that do not move",
        "services/reconciler/findings.py",
        ('(*OPEN_STATES, "machines")', '("machines",)'),
    ),
    mutant(
        "a stop is not passed on to the job",
        "shared/control.py",
        (
            "        jobs.terminate(run.job.id, stopped_by(run.stop_asked))",
            "        return",
        ),
    ),
    mutant(
        "nobody looks for a stop once the job is submitted",
        _SUBMISSION,
        ("    else:\n        end_job(run, needs.jobs)\n    return run", "    return run"),
    ),
    mutant(
        "nobody looks for a stop before the job is submitted",
        _SUBMISSION,
        ("if held.stop_asked is not None:", "if held.stop_asked is not None and held.asked.quiet:"),
    ),
    mutant(
        "nobody asks after runs that were never submitted",
        "services/reconciler/app.py",
        ("return list(still_requested(forsaken, tick.now))", "return list(forsaken)[:0]"),
    ),
    mutant(
        "nobody asks after jobs",
        "services/reconciler/app.py",
        ("return list(findings(unmoved, needs.jobs, tick.now))", "return list(unmoved)[:0]"),
    ),
    mutant(
        "a lease that was taken over is given back as if no job were",
        _LEASE,
        ("lease_until=now if taken_over else None", "lease_until=None"),
    ),
    mutant(
        "a job of an unknown run is an error",
        _HEARD,
        (
            '        log.info("job of an unknown run", job_id=job.job_id)\n        return None',
            "        raise KeyError(run_id)",
        ),
    ),
    mutant(
        "the submitter tells of ends alone",
        "services/submitter/app.py",
        (
            "    return [*due, state_changed(run)]",
            "    return [*due, *([state_changed(run)] if run.final else [])]",
        ),
    ),
    mutant(
        "the monitor tells of ends alone",
        "services/monitor/app.py",
        (
            "    return [] if run is None else [state_changed(run)]",
            "    return [] if run is None or not run.final else [state_changed(run)]",
        ),
    ),
    mutant(
        "a stop is told to nobody",
        "shared/control.py",
        ("    publisher.publish([state_changed(run)])\n    end_job", "    end_job"),
    ),
    mutant(
        "a sweep that has ended by then is not looked at",
        "services/submitter/points.py",
        (
            "return not (run.final and run.progress is not None and run.progress.complete)",
            "return not run.final",
        ),
    ),
    mutant(
        "a missing job definition is missing for ever",
        "services/submitter/definitions.py",
        (
            "        now = self._clock()\n",
            (
                "        now = self._clock()\n"
                "        if self._seen.get(name) == -1.0:\n            return False\n"
            ),
        ),
        (
            "            return False\n        self._seen",
            "            self._seen[name] = -1.0\n            return False\n        self._seen",
        ),
    ),
)
