"""Telling people: the report as a comment on Bitbucket, the whole of it and the log in S3.

What goes wrong here is said in the log and changes nothing else: the results are safe by now.
"""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path

from container import log, machine, storage
from container.bitbucket import Bitbucket, BitbucketRefused, BitbucketUnavailable
from container.exits import JobFailed
from container.log import say, step
from container.processes import Interrupted
from container.report import Facts, Report, compose, link_comment, marker, own
from container.report_middle import Middle, middle
from container.report_time import ReportTime
from container.result import Result, what_ran
from container.s3 import S3Failed
from container.work import Work

# How long a call may wait for Bitbucket: the results do not depend on it.
_PATIENCE_SECONDS = 120.0
_TAIL_LINES = 40
_WHOLE = "report.md"
_LOG = "job.log"


def succeeded(work: Work, pushed: Result | None) -> None:
    """Report a run that has ended well; `pushed` is its result commit, if there is one."""
    _report(work, "succeeded", "", pushed)


def failed(work: Work, reason: JobFailed) -> None:
    """Report a run that has failed, on the commit that asked for it."""
    _report(work, "failed", str(reason), None)


def store_log(work: Work, copy: Path) -> None:
    """Keep the log beside the report."""
    address = work.settings.results(work.job, _LOG)
    if not address or not copy.exists():
        return
    until = ReportTime.of(work.settings, work.started, time.monotonic()).posting
    try:
        work.s3_until(until).store(copy, address)
    except S3Failed as failure:
        say(f"the log is not stored: {failure}")
    except Interrupted:
        return
    except Exception as error:  # noqa: BLE001 - how the run has ended is decided, and told by its exit code
        say(f"the log is not stored: {type(error).__name__}: {error}")


def store_point_log(work: Work, copy: Path, also: str) -> str:
    """Keep the log of a sweep's point; its address, "" if it is nowhere.

    `also` is where the sweep wants it as well, or "". What is refused is a note of the result.
    """
    if not copy.exists():
        return ""
    address = work.settings.results(work.job, _LOG)
    # First the one that is likelier to be refused, so that the other tells of it.
    for place in filter(None, (also, address)):
        (refused,) = work.s3.store_each([(copy, place)])
        if refused:
            work.note(f"the log is not kept there: {refused}")
    return "" if refused else address


def _report(work: Work, outcome: str, reason: str, pushed: Result | None) -> None:
    with step("report") as progress:
        try:
            progress.failed = not _told(work, outcome, reason, pushed)
        except Interrupted:
            say("interrupted by SIGTERM: there is no time for the report")
            progress.failed = True
        except OSError as error:
            say(f"writing the report: {error}")
            progress.failed = True
        except Exception as error:  # noqa: BLE001 - how the run has ended is decided, and told by its exit code
            traceback.print_exc()
            say(f"there is no report: a fault of the runner, {type(error).__name__}: {error}")
            progress.failed = True


def _told(work: Work, outcome: str, reason: str, pushed: Result | None) -> bool:
    """Compose the report and bring it to people; whether all of it is there."""
    times = ReportTime.of(work.settings, work.started, time.monotonic())
    found = Middle()
    if pushed is not None:
        found = middle(work, pushed, times.comparing, lambda: _bitbucket(work, times.comparing))
    facts = _facts(work, outcome, reason, pushed)
    whole = work.settings.results(work.job, _WHOLE)
    page = storage.page(whole)
    if found.text:
        report = own(facts, found.text, page)
    else:
        report = compose(facts, found.comparison, found.drawn, page)
    report = Report(work.masks.hide(report.comment), work.masks.hide(report.whole))
    if whole:
        _store_whole(work, report, whole, times.posting)
    return _post(work, facts, report, times.posting)


def _facts(work: Work, outcome: str, reason: str, pushed: Result | None) -> Facts:
    job, settings = work.job, work.settings
    return Facts(
        ran=what_ran(settings),
        workspace=job.workspace,
        repository=job.repository,
        branch=job.branch,
        commit=job.commit,
        run_id=job.run_id,
        attempt=job.attempt,
        try_number=settings.try_number,
        outcome=outcome,
        seconds=time.monotonic() - work.started,
        reason=reason,
        result_commit="" if pushed is None else pushed.commit,
        result_branch="" if pushed is None else pushed.branch,
        log_address=work.log_address,
        machine=machine.describe(os.environ),
        notes=tuple(work.notes),
        stages=work.stages.close("ran" if outcome == "succeeded" else "failed"),
        log_tail=() if outcome == "succeeded" else tuple(log.tail(_TAIL_LINES)),
        web_url=settings.git_url,
    )


def _store_whole(work: Work, report: Report, address: str, until: float) -> None:
    file = work.directory / _WHOLE
    file.write_text(report.whole, encoding="utf-8", errors="replace")
    try:
        work.s3_until(until).store(file, address)
    except S3Failed as failure:
        say(f"the whole report is not stored: {failure}")


def _post(work: Work, facts: Facts, report: Report, until: float) -> bool:
    """Comment on the result commit, and on the run's own; whether all of it is there."""
    bitbucket = _bitbucket(work, until)
    if bitbucket is None:
        say(report.comment)  # a repository that is no Bitbucket's shows no comments
        return True
    own_marker = marker(work.job.run_id)
    try:
        if not facts.result_commit:
            say(f"report: {bitbucket.comment(work.job.commit, own_marker, report.comment)}")
            return True
        address = bitbucket.comment(facts.result_commit, own_marker, report.comment)
        say(f"report: {address}")
        linked = link_comment(facts, address)
        (_bitbucket(work, until) or bitbucket).comment(work.job.commit, own_marker, linked)
    except (BitbucketRefused, BitbucketUnavailable) as failure:
        say(f"{failure}; the report would have been:")
        say(report.comment)
        return False
    return True


def _bitbucket(work: Work, until: float) -> Bitbucket | None:
    if work.passwords is None:
        return None
    return Bitbucket(
        work.settings.api_url,
        work.passwords.credentials,
        work.passwords,
        work.job.workspace,
        work.job.repository,
        seconds=min(_PATIENCE_SECONDS, max(1.0, until - time.monotonic())),
        pause=work.children.pause,
        web_url=work.settings.git_url,
    )
