"""The keywords of a sweep: what they ask for, and what is said of those that cannot be read."""

import pytest

from services.parser.keywords import Limits, read
from shared.errors import Rejected
from shared.events import Asked, Sweep
from tests.samples import RUN_ID

LIMITS = Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=5)
SWEEP = "lr=0.1,0.01 depth=range(2,8)"
RUN = f":ACME_RUN: train\n:ACME_SWEEP: {SWEEP}"


def asked(message: str, limits: Limits = LIMITS) -> Asked | None:
    return read(message, "ACME", limits, RUN_ID)


def rejection(message: str) -> str:
    with pytest.raises(Rejected) as error:
        asked(message)
    return str(error.value)


def swept(message: str) -> Sweep:
    found = asked(message)
    assert found is not None
    assert found.sweep is not None
    return found.sweep


def test_a_sweep_is_the_runs_own_and_runs_as_an_experiment() -> None:
    assert asked(RUN) == Asked(
        arguments="train",
        experiment=True,
        sweep=Sweep(sweep_id=RUN_ID, size=12, space=SWEEP, tolerated_percent=5),
    )


@pytest.mark.parametrize("run", [":ACME_RUN:", ":ACME_RUN_EXP:", ":ACME_RUN:\n:ACME_RUN_EXP:"])
def test_a_sweep_goes_with_either_keyword_of_a_run(run: str) -> None:
    found = asked(f"{run}\n:ACME_SWEEP: a=1,2")

    assert found is not None
    assert found.experiment
    assert found.sweep is not None


@pytest.mark.parametrize(
    "message", [f":ACME_SWEEP: {SWEEP}", ":ACME_SWEEP:", ":ACME_OBJECTIVE: accuracy"]
)
def test_without_a_run_a_sweep_asks_for_nothing(message: str) -> None:
    assert asked(message) is None


@pytest.mark.parametrize(
    ("text", "metric", "direction"),
    [
        ("accuracy", "accuracy", "maximize"),
        ("max accuracy", "accuracy", "maximize"),
        ("maximize  eval.f1", "eval.f1", "maximize"),
        ("min log_loss", "log_loss", "minimize"),
        ("max", "max", "maximize"),
        ("min min", "min", "minimize"),
    ],
)
def test_an_objective_is_a_metric_and_perhaps_a_direction(
    text: str, metric: str, direction: str
) -> None:
    sweep = swept(f"{RUN}\n:ACME_OBJECTIVE: {text}")

    assert (sweep.objective, sweep.direction) == (metric, direction)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (":ACME_SWEEP:", "a sweep needs parameters: write lr=0.1,0.01 depth=range(2,8)"),
        (":ACME_SWEEP: lr", '"lr" has no =: write name=value,value without spaces at the commas'),
        (
            ":ACME_SWEEP: lr=range(0,1001)",
            (
                "the space has 1,001 points, and a commit may ask for 1,000 (MaxSweepPoints): take "
                "values away, or draw some of them with cloud-runner sweep run"
            ),
        ),
        (
            ":ACME_SWEEP: " + " ".join(f"p{place}=range(0,100000)" for place in range(90)),
            "the space has more than 1,000,000,000,000 points, and",
        ),
        (
            ":ACME_SWEEP: lr=" + ",".join(map(str, range(2000))),
            "the space is longer than 4,096 characters: write it into a file, and",
        ),
        (
            ":ACME_OBJECTIVE: accuracy",
            ":ACME_OBJECTIVE: needs a sweep: add :ACME_SWEEP: lr=0.1,0.01",
        ),
        (
            ":ACME_SWEEP: a=1,2\n:ACME_OBJECTIVE:",
            "the objective is the name of one metric: write accuracy, or min log_loss",
        ),
        (
            ":ACME_SWEEP: a=1,2\n:ACME_OBJECTIVE: best accuracy",
            "an objective is max or min: write max accuracy, or min accuracy",
        ),
        (
            ":ACME_SWEEP: a=1,2\n:ACME_OBJECTIVE: max accuracy please",
            "the objective is the name of one metric: write accuracy, or min log_loss",
        ),
        (
            ":ACME_SWEEP: a=1\n:ACME_SWEEP: a=2",
            ":ACME_SWEEP: stands twice with different arguments: keep one",
        ),
    ],
)
def test_what_cannot_be_read_is_rejected_with_what_to_write(lines: str, said: str) -> None:
    assert rejection(f":ACME_RUN:\n{lines}").startswith(said)


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = rejection(":ACME_RUN:\n:ACME_GPUS: 99\n:ACME_SWEEP: a\n:ACME_OBJECTIVE:")

    assert said.count("; ") == 2


def test_a_sweep_may_have_as_many_points_as_the_stack_takes() -> None:
    assert swept(":ACME_RUN:\n:ACME_SWEEP: seed=range(0,1000)").size == 1000


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ("--name=x", "--name"),
        ("--name x", "--name"),
        ("--nam x", "--name"),
        ("-n x", "--name"),
        ("-nfoo train", "--name"),
        ("-fn foo", "--name"),
        ("-fnfoo", "--name"),
        ("train --queue", "--queue"),
        ("--no-commit", "--no-commit"),
    ],
)
def test_arguments_that_every_point_would_refuse_are_rejected(arguments: str, option: str) -> None:
    said = rejection(f":ACME_RUN: {arguments}\n:ACME_SWEEP: lr=0.1,0.01")

    assert said.startswith(f":ACME_RUN: {option} ")
    assert said.endswith(": leave it out")


@pytest.mark.parametrize(
    "arguments", ["-f train", "-Sname=1", "-S n=2", "-mnote", "--no-hydra", "--quiet", "-- -n"]
)
def test_arguments_that_only_look_like_them_are_taken(arguments: str) -> None:
    taken = asked(f":ACME_RUN: {arguments}\n:ACME_SWEEP: lr=0.1,0.01")

    assert taken is not None
    assert taken.arguments == arguments
