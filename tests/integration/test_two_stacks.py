"""One repository in two stacks: what Bitbucket holds of their runs is never confused."""

from collections.abc import Iterator
from typing import Any

import pytest

from container.job import Job
from container.report_facts import marker as report_marker
from container.result import is_of, message
from container.settings import Settings
from services.sweeper.report import marker as sweep_marker
from shared.names import Names
from shared.runs import Run
from tests.integration.service_chain import Chain, runs_table
from tests.samples import COMMIT, REPOSITORY, ended_try

STACKS = ("acme-staging", "acme-production")


@pytest.fixture
def stacks(chain: Chain, dynamodb: Any, s3: Any) -> Iterator[tuple[Chain, Chain]]:
    """Two stacks, each with what is its own, and one Bitbucket that both speak to."""
    del chain  # its tables and its bucket serve the first of them
    with runs_table(dynamodb, "runs-of-another"):
        first = Chain(dynamodb, s3, Names("acme", "staging"))
        second = Chain(dynamodb, s3, Names("acme", "production"), "runs-of-another")
        second.bitbucket.statuses = first.bitbucket.statuses
        yield first, second
    assert first.dead == second.dead == []


def pushed(stacks: tuple[Chain, Chain], text: str = ":ACME_RUN: train") -> list[Run]:
    """The runs of one push that both webhooks have told of, once each has its job."""
    runs = []
    for chain in stacks:
        run_id = chain.push(text)
        chain.settle()
        runs.append(chain.run(run_id))
    return runs


def job_of(chain: Chain) -> Job:
    """What the job that was submitted is told of itself."""
    told = chain.batch.submissions[0]["parameters"]
    return Job(
        workspace=told["workspaceName"],
        repository=told["repositoryName"],
        branch=told["branchName"],
        commit=told["commitHash"],
        run_id=told["runId"],
        attempt=told["attempt"],
    )


def shown(chain: Chain) -> dict[str, str]:
    """The states of the commit's statuses by their names."""
    found = chain.bitbucket.statuses
    assert {(name, commit) for name, commit, _ in found} == {(REPOSITORY.full_name, COMMIT)}
    return {status["name"]: status["state"] for status in found.values()}


def test_one_push_is_a_run_of_each_stack(stacks: tuple[Chain, Chain]) -> None:
    runs = pushed(stacks)
    jobs = [run.job for run in runs if run.job is not None]

    assert len({run.run_id for run in runs}) == 2
    assert [job.name.partition("-ml-")[0] for job in jobs] == list(STACKS)
    assert [chain.runs.get(run.run_id) for chain, run in zip(stacks, runs, strict=True)] == runs


def test_each_stack_has_a_status_of_its_own_that_tells_whose_it_is(
    stacks: tuple[Chain, Chain],
) -> None:
    first, second = stacks
    pushed(stacks)
    second.hear(second.batch.move("job-1", "FAILED", attempts=[ended_try(exitCode=1)]))
    first.hear(first.batch.move("job-1", "SUCCEEDED", attempts=[ended_try(exitCode=0)]))

    assert shown(first) == {
        "Cloud run in acme-staging: train": "SUCCESSFUL",
        "Cloud run in acme-production: train": "FAILED",
    }


def test_a_job_does_not_take_the_other_stacks_result_for_its_own(
    stacks: tuple[Chain, Chain],
) -> None:
    pushed(stacks)
    first, second = (job_of(chain) for chain in stacks)
    result = message(first, Settings.read({}))

    assert is_of(first, result)
    assert not is_of(second, result)


def test_reports_and_branches_of_results_are_each_stacks_own(stacks: tuple[Chain, Chain]) -> None:
    runs = pushed(stacks, ":ACME_RUN:\n:ACME_SWEEP: lr=0.1,0.01")
    jobs = [job_of(chain) for chain in stacks]
    sweeps = [run.asked.sweep for run in runs if run.asked.sweep is not None]

    assert len({report_marker(job.run_id) for job in jobs}) == 2
    assert len({job.results_branch for job in jobs}) == 2
    assert len({sweep_marker(run.run_id) for run in runs}) == 2
    assert len({sweep.sweep_id for sweep in sweeps}) == 2
