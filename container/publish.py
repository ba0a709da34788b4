"""Telling people: the report as a comment on Bitbucket, the whole of it and the log in S3.

What goes wrong here is said in the log and changes nothing else: the results are safe by now.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from container import interpreter, log, machine, pictures, storage
from container.bitbucket import Bitbucket, BitbucketRefused, BitbucketUnavailable
from container.comparison import Comparison, compare
from container.exits import JobFailed
from container.log import say, step
from container.pictures import Pictures
from container.processes import Interrupted
from container.report import Facts, Report, compose, link_comment, marker, own
from container.result import Result, what_ran
from container.s3 import S3Failed
from container.scripts import REPORT, environment, has_own
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
    try:
        work.s3.store(copy, address)
    except S3Failed as failure:
        say(f"the log is not stored: {failure}")
    except Interrupted:
        return


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
            text = None if pushed is None else _own_text(work, pushed)
            comparison = None if text else _compare(work, pushed)
            drawn = Pictures() if comparison is None else _draw(work, comparison)
            facts = _facts(work, outcome, reason, pushed)
            whole = work.settings.results(work.job, _WHOLE)
            page = storage.page(whole)
            report = own(facts, text, page) if text else compose(facts, comparison, drawn, page)
            report = Report(work.masks.hide(report.comment), work.masks.hide(report.whole))
            if whole:
                _store_whole(work, report, whole)
            progress.failed = not _post(work, facts, report)
        except Interrupted:
            say("interrupted by SIGTERM: there is no time for the report")
            progress.failed = True
        except OSError as error:
            say(f"writing the report: {error}")
            progress.failed = True


def _compare(work: Work, pushed: Result | None) -> Comparison | None:
    if pushed is None or not work.dvc.used:
        return None
    return compare(
        work.run_beside,
        work.project,
        work.job.commit,
        pushed.commit,
        python=interpreter.with_dvc(),
        folder=work.directory / "plots",
    )


def _draw(work: Work, comparison: Comparison) -> Pictures:
    """The plots as pictures, each at an address where a reader sees it, or can fetch it."""
    python = interpreter.with_renderer()
    made = pictures.draw(
        work.run_beside,
        comparison,
        work.directory / "pictures",
        pythons=[] if python is None else [python],
    )
    placed = storage.place(work, _bitbucket(work), made.drawn)
    return Pictures(tuple(placed), made.left)


def _own_text(work: Work, pushed: Result) -> str | None:
    """What the project's own script says of the difference; None if it has none, or it failed."""
    if not has_own(work.project, REPORT):
        return None
    command = [f"./{REPORT}", work.job.commit, pushed.commit, "--all"]
    ended = work.children.run(
        command,
        directory=work.project,
        environment=environment(work.settings, work.dvc.environment, work.directory),
        read=True,
    )
    work.clear()
    if ended.code:
        work.note(f"The project's own {REPORT} ended with exit code {ended.code}")
        return None
    return ended.output.decode(errors="replace")


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


def _store_whole(work: Work, report: Report, address: str) -> None:
    file = work.directory / _WHOLE
    file.write_text(report.whole, encoding="utf-8")
    try:
        work.s3.store(file, address)
    except S3Failed as failure:
        say(f"the whole report is not stored: {failure}")


def _post(work: Work, facts: Facts, report: Report) -> bool:
    """Comment on the result commit, and on the run's own; whether all of it is there."""
    bitbucket = _bitbucket(work)
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
        bitbucket.comment(work.job.commit, own_marker, link_comment(facts, address))
    except (BitbucketRefused, BitbucketUnavailable) as failure:
        say(f"{failure}; the report would have been:")
        say(report.comment)
        return False
    return True


def _bitbucket(work: Work) -> Bitbucket | None:
    if work.passwords is None:
        return None
    return Bitbucket(
        work.settings.api_url,
        work.passwords.credentials,
        work.passwords,
        work.job.workspace,
        work.job.repository,
        seconds=min(_PATIENCE_SECONDS, max(1.0, work.until - time.monotonic())),
        pause=work.children.pause,
        web_url=work.settings.git_url,
    )
