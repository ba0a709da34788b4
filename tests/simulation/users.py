"""What people do with runs and jobs that are there: stop them, run them again, get in their way."""

from functools import partial
from typing import Any

from tests.simulation.commands import Commands
from tests.simulation.deliveries import Deliveries
from tests.simulation.job_life import OURS
from tests.simulation.ledger import Ask
from tests.simulation.projects import REPOSITORIES, Projects
from tests.simulation.pushes import Commit, Push, Wanted, result_of
from tests.simulation.world import World

_RERUNS = 2
_UNKNOWN_RUN = "0" * 24
# What is asked for by command: one job, or points that are tried again and may fail.
_COMMANDS = (
    Wanted(arguments="evaluate"),
    Wanted(arguments="evaluate"),
    Wanted(arguments="train", experiment=True, points=5, retries=1, tolerated=20),
    Wanted(arguments="train", experiment=True, points=3, retries=2, tolerated=34),
)
# Who finds a run not over yet tries again, some minutes later.
_TRIED = 6


class Users:
    """Those who watch the runs of `world`, and the account that these share with others."""

    def __init__(self, world: World, projects: Projects, deliveries: Deliveries) -> None:
        self._world = world
        self._choices = world.choices
        self._ledger = world.ledger
        self._projects = projects
        self._deliveries = deliveries
        self._commands = Commands(world, world.ledger)
        self._reruns: dict[str, int] = {}
        world.batch.on_submitted(self._submitted)
        world.ledger.job_listeners.append(self._ended)

    def watch(self, ask: Ask) -> None:
        """Look after a run: somebody may stop it, or run it again after a while."""
        self._plan_stop(ask)
        # It may have ended without a job: there is nothing to wait for.
        if self._choices.strikes("rerun", "after a while"):
            self._later(2400, partial(self._rerun, ask, 2), "somebody runs it again")

    def submit(self) -> None:
        """Ask for a run by command."""
        uuid = self._choices.among(REPOSITORIES, "repository of a command").uuid
        repository = self._projects.hooks[uuid].repository
        wanted = self._choices.among(_COMMANDS, "what a command asks for")
        commit = Commit(self._projects.sha(), "Correct a typo", wanted)
        ask = Ask(repository, "main", commit, "a command")
        full_name = self._world.bitbucket.first_name(repository.full_name)
        self._deliveries.show((full_name, commit.hash))
        self._commands.ask(f"nightly-{commit.hash[:18]}", ask)
        self._plan_stop(ask)

    def _plan_stop(self, ask: Ask) -> None:
        """As soon as it shows, or while it runs; perhaps two people do."""
        for by in ("anna", "bert"):
            if self._choices.strikes("stop", by):
                within = self._choices.among((3, 60, 1500), "stopped within")
                stop = partial(self._commands.stop, ask.about, by)
                self._later(within, stop, f"{by} stops a run")

    def _plan_rerun(self, ask: Ask) -> None:
        about = "/".join(ask.about)
        if self._reruns.get(about, 0) < _RERUNS and self._choices.strikes("rerun", "person"):
            self._reruns[about] = self._reruns.get(about, 0) + 1
            within = self._choices.among((5, 300), "run again within")
            self._later(within, partial(self._rerun, ask, _TRIED), "somebody runs it again")

    def _rerun(self, ask: Ask, left: int) -> None:
        def not_over_yet() -> None:
            if left > 1:
                self._later(600, partial(self._rerun, ask, left - 1), "somebody runs it again")

        self._commands.rerun(ask.about, otherwise=not_over_yet)
        self._plan_stop(ask)

    def _submitted(self, job_id: str) -> None:
        """A job is submitted: somebody stops its run, or is in its way, at that very moment."""
        job = self._world.batch.jobs[job_id]
        if not job["jobName"].startswith(OURS):
            self._ledger.foreign_jobs.add(job_id)
            return
        ask = self._ask_of(job["parameters"].get("runId", ""))
        if ask is not None and self._choices.strikes("stop", "at the submission"):
            stop = partial(self._commands.stop, ask.about, "carl")
            self._later(1, stop, "carl stops a run")
        if self._choices.strikes("foreign-job", "batch"):
            imitate = partial(self._imitate, job)
            self._later(0.2, imitate, "somebody else submits a job")
        if self._choices.strikes("ended-outside", "batch"):
            self._later(600, partial(self._end_outside, job_id), "somebody ends a job")

    def _imitate(self, job: dict[str, Any]) -> None:
        """Submit a job of somebody else's that says it is of our run, or of one that is not there.

        Its name may differ from ours in case alone: ListJobs shows it with ours.
        """
        names = ("nightly-of-somebody-else", job["jobName"].swapcase())
        unknown = job["parameters"] | {"runId": _UNKNOWN_RUN}
        parameters = self._choices.among((job["parameters"], unknown), "whose job it says it is")
        self._world.batch.submit_job(
            jobName=self._choices.among(names, "name of a job of others"),
            jobQueue=job["jobQueue"],
            jobDefinition="theirs",
            parameters=dict(parameters),
            shareIdentifier="others",
        )

    def _end_outside(self, job_id: str) -> None:
        """End a job of ours in Batch's console."""
        job = self._world.batch.jobs.get(job_id)
        if job is not None and job["status"] not in ("SUCCEEDED", "FAILED"):
            self._ledger.ended_outside.add(job_id)
            self._world.batch.terminate_job(jobId=job_id, reason="tidying up")
            self._world.count("jobs ended past the stack")

    def _ended(self, job_id: str) -> None:
        """A job has ended: it may have pushed its results, and somebody may run it again."""
        if job_id in self._ledger.foreign_jobs:
            return
        parameters = self._world.batch.submissions[job_id]["parameters"]
        ask = self._ask_of(parameters["runId"])
        if ask is None:
            return
        if self._choices.among((True, False), "results"):
            # An amendment or a rebase may have kept the keywords.
            kept = self._choices.among(("", ask.commit.message), "message of the results")
            result = Commit(self._projects.sha(), result_of(parameters, kept), None)
            repository = self._projects.hooks[ask.repository.uuid].repository
            push = Push(repository, ((ask.branch, result),))
            self._later(20, partial(self._push_results, push), "a job pushes results")
        self._plan_rerun(ask)

    def _push_results(self, push: Push) -> None:
        hook = self._projects.hooks[push.repository.uuid]
        self._deliveries.push(hook, push, "results")

    def _ask_of(self, run_id: str) -> Ask | None:
        asks = self._ledger.asks.values()
        return next((ask for ask in asks if self._commands.run_of(ask.about) == run_id), None)

    def _later(self, within: float, act: partial[None], label: str) -> None:
        pause = self._choices.between(0, within, label)
        self._world.scheduler.later(pause, act, label)
