"""What SubmitJob is told for an attempt."""

from typing import Any

import pytest

from services.submitter.overrides import submission
from shared.errors import Rejected
from shared.events import Asked, Changes, Sweep
from shared.runs import Run
from tests.samples import COMMIT, JOB_QUEUE, NAMES, RUN_ID, a_job, a_run


def told(run: Run, share: str | None = None) -> dict[str, Any]:
    return submission(run, a_job(run.attempt), NAMES, "ACME", share)


def test_the_first_example_of_the_readme_has_exactly_these_overrides() -> None:
    asked = Asked(arguments="--single-item featurize_data", gpus=0, memory_mib=32768)

    assert told(a_run(asked=asked)) == {
        "jobName": a_job().name,
        "jobQueue": JOB_QUEUE,
        "jobDefinition": "acme-testing-ml-churn-model",
        "parameters": {
            "workspaceName": "team",
            "repositoryName": "churn-model",
            "branchName": "main",
            "commitHash": COMMIT,
            "runId": RUN_ID,
            "attempt": "1",
        },
        "containerOverrides": {
            "resourceRequirements": [{"type": "MEMORY", "value": "32768"}],
            "environment": [{"name": "ACME_RUN_ARGS", "value": "--single-item featurize_data"}],
        },
        "tags": {"cloud-runner": "acme-testing", "repository": "churn-model"},
    }


def test_the_second_example_of_the_readme_has_exactly_these_overrides() -> None:
    asked = Asked(arguments="--params learning_rate=0.01", experiment=True, gpus=1)

    assert told(a_run(asked=asked))["containerOverrides"] == {
        "resourceRequirements": [{"type": "GPU", "value": "1"}],
        "environment": [
            {"name": "ACME_RUN_ARGS", "value": "--params learning_rate=0.01"},
            {"name": "ACME_RUN_EXP", "value": "1"},
        ],
    }


def test_resources_are_integer_texts_and_never_the_deprecated_fields() -> None:
    overrides = told(a_run(asked=Asked(gpus=2, memory_mib=4096, vcpus=8)))["containerOverrides"]

    assert overrides == {
        "resourceRequirements": [
            {"type": "GPU", "value": "2"},
            {"type": "MEMORY", "value": "4096"},
            {"type": "VCPU", "value": "8"},
        ]
    }


def test_what_was_not_asked_for_is_left_to_the_job_definition() -> None:
    assert told(a_run(asked=Asked()))["containerOverrides"] == {}


def test_a_later_attempt_says_so_in_its_name_and_its_parameter() -> None:
    arguments = told(a_run(attempt=3))

    assert arguments["parameters"]["attempt"] == "3"
    assert arguments["jobName"].endswith(f"-{RUN_ID}-3")


def test_a_run_without_a_repository_has_only_the_parameters_that_it_has() -> None:
    arguments = told(a_run(repository=None, branch=None, commit=None))

    assert arguments["parameters"] == {"runId": RUN_ID, "attempt": "1"}


@pytest.mark.parametrize("share", [None, "team"])
def test_a_share_identifier_goes_only_to_a_queue_with_a_fair_share_policy(
    share: str | None,
) -> None:
    arguments = told(a_run(), share)

    assert arguments.get("shareIdentifier") == share
    # Batch wants both or none.
    assert ("schedulingPriorityOverride" in arguments) == (share is not None)


@pytest.mark.parametrize("character", ["x", '"', "\u2603", "\n"])
def test_overrides_that_batch_would_refuse_later_are_refused_before(character: str) -> None:
    longest = next(
        count for count in range(8192, 0, -1) if fits(a_run(asked=Asked(arguments="x" * count)))
    )

    assert 6000 < longest < 8192
    assert not fits(a_run(asked=Asked(arguments=character * (longest + 1))))
    with pytest.raises(Rejected, match="too long for AWS Batch by 1 characters"):
        told(a_run(asked=Asked(arguments="x" * (longest + 1))))


def fits(run: Run) -> bool:
    try:
        told(run)
    except Rejected:
        return False
    return True


def test_a_long_branch_counts_as_well() -> None:
    assert not fits(a_run(branch="b" * 8192))


def test_changes_of_the_workspace_are_a_ref_and_its_commit() -> None:
    changes = Changes(ref="refs/cloud-runner/4f2a", commit="f" * 40)
    overrides = told(a_run(asked=Asked(changes=changes)))["containerOverrides"]

    assert overrides["environment"] == [
        {"name": "ACME_RUN_CHANGES", "value": f"refs/cloud-runner/4f2a {'f' * 40}"}
    ]


def test_a_sweep_of_a_command_has_its_command_input_and_output() -> None:
    sweep = Sweep(
        sweep_id="4f2a",
        size=10_000,
        command="python tune.py",
        input_uri="s3://data/in",
        output_dir="out",
        retries=2,
        timeout_seconds=600,
    )
    run = a_run(asked=Asked(sweep=sweep))
    arguments = submission(run, a_job(), NAMES, "ACME", "sweep4f2a", points="{}")

    assert arguments["containerOverrides"]["environment"] == [
        {"name": "ACME_RUN_COMMAND", "value": "python tune.py"},
        {"name": "ACME_INPUT_URI", "value": "s3://data/in"},
        {"name": "ACME_OUTPUT_DIR", "value": "out"},
        {"name": "CLOUD_RUNNER_TIMEOUT_SECONDS", "value": "600"},
        {"name": "CLOUD_RUNNER_SWEEP", "value": "{}"},
    ]
    assert arguments["arrayProperties"] == {"size": 10_000}
    assert arguments["retryStrategy"]["attempts"] == 5
    assert arguments["timeout"] == {"attemptDurationSeconds": 600}
    assert arguments["shareIdentifier"] == "sweep4f2a"


def test_a_sweep_that_asks_for_nothing_else_leaves_it_to_the_job_definition() -> None:
    run = a_run(asked=Asked(sweep=Sweep(sweep_id="4f2a", size=2)))
    arguments = submission(run, a_job(), NAMES, "ACME", None, points="{}")

    assert not {"retryStrategy", "timeout", "shareIdentifier"} & set(arguments)
