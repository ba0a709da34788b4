"""What points of a sweep leave in the simulation is what their container would, and worse."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from unittest import mock

import pytest

from services.sweeper.ranking import ranked
from shared.events import Sweep
from shared.points import Place, Result, encode
from shared.sweep_results import SweepResults
from tests.samples import JOB_QUEUE, NOW, RUN_ID
from tests.simulation.account import account
from tests.simulation.choices import Choices
from tests.simulation.job_life import begin
from tests.simulation.kinds import KINDS
from tests.simulation.scheduler import Scheduler
from tests.simulation.sweeps import _best
from tests.simulation.world import World

PLACE = Place("churn-model", RUN_ID)
SWEEP = Sweep(sweep_id=RUN_ID, size=6, objective="accuracy")


class Only(Choices):
    """Strikes whenever it is asked for one of the kinds that it was given."""

    def __init__(self, *kinds: str) -> None:
        super().__init__(1)
        assert KINDS.keys() >= set(kinds)
        self._kinds = kinds

    def strikes(self, fault: str, what: str) -> bool:
        del what
        return fault in self._kinds


def submitted(*kinds: str, listed: int = SWEEP.size, **told: Any) -> World:
    """A world in which an array job has just been submitted, whose list has so many points."""
    world = account(Only(*kinds), Scheduler(NOW.timestamp()))
    world.batch.queues[JOB_QUEUE] = False
    world.batch.definitions.add("d")
    begin(world)
    points = encode([{"lr": number} for number in range(listed)])[0]
    world.s3.put_object(Bucket="data", Key=PLACE.points(1), Body=points)
    plan = {"place": f"s3://data/{PLACE.folder}", "wave": 1, "size": SWEEP.size, "objective": "a"}
    variable = {"name": "CLOUD_RUNNER_SWEEP", "value": json.dumps(plan)}
    world.batch.submit_job(
        jobName="acme-testing-ml-experiment-1",
        jobQueue=JOB_QUEUE,
        jobDefinition="d",
        parameters={"runId": RUN_ID, "attempt": "1"},
        arrayProperties={"size": SWEEP.size},
        containerOverrides={"environment": [variable]},
        **told,
    )
    return world


def ended(world: World) -> list[dict[str, int]]:
    """Let the array run to its end; the counts that Batch has told, each once."""
    told: list[dict[str, int]] = []
    while world.scheduler.step() is not None:
        counted = world.batch.jobs["job-1"]["arrayProperties"]["statusSummary"]
        if not told or told[-1] != counted:
            told.append(counted)
    return told


def tries_of_points(world: World) -> dict[str, int]:
    """Let the array run to its end; how often each point has run, by its job's id."""
    tries: Counter[str] = Counter()

    def heard(event: Mapping[str, Any]) -> None:
        if event["detail"]["status"] == "RUNNING":
            tries[event["detail"]["jobId"]] += 1

    with mock.patch.object(world.eventbridge, "deliver_aws", heard):
        ended(world)
    return tries


def found(world: World) -> list[tuple[str, Result]]:
    return SweepResults(world.s3, "data", PLACE).new(None)


def test_each_point_leaves_a_result_and_then_it_is_counted() -> None:
    world = submitted()
    told = ended(world)

    assert sorted(one.index for _, one in found(world)) == [*range(SWEEP.size)]
    # One after the other has ended.
    assert list(dict.fromkeys(one.get("SUCCEEDED", 0) for one in told)) == [*range(7)]
    assert world.batch.jobs["job-1"]["status"] == "SUCCEEDED"
    assert not world.ledger.complaints


def test_a_sweep_whose_points_are_not_listed_is_complained_of() -> None:
    world = submitted(listed=2)
    ended(world)

    assert world.ledger.complaints == [
        ("points-are-listed", "job-1 has 6 points, of which 2 listed")
    ]


def test_a_point_that_lost_its_machine_tells_the_same_twice() -> None:
    world = submitted("spot")
    ended(world)
    values: dict[int, list[float | None]] = {}
    for _, one in found(world):
        values.setdefault(one.index, []).append(one.objective)

    # Three tries of each, of which some lost their machine before they had stored anything.
    assert any(len(some) > 1 for some in values.values())
    assert all(len(set(some)) == 1 for some in values.values())
    assert world.batch.jobs["job-1"]["arrayProperties"]["statusSummary"]["FAILED"] == SWEEP.size


def test_what_is_no_result_is_stored_as_well() -> None:
    world = submitted("result-malformed")
    ended(world)
    bodies = [content for (_, key), content in world.s3.objects.items() if PLACE.results in key]

    assert len(bodies) > SWEEP.size
    assert not all(left.readable for left in world.ledger.left[RUN_ID, 1])


def test_an_array_that_has_failed_may_be_counted_later() -> None:
    world = submitted("point-fails", "counted-late")
    while world.batch.jobs["job-1"]["status"] != "FAILED":
        world.scheduler.step()
    before = world.batch.jobs["job-1"]["arrayProperties"]["statusSummary"]
    last = ended(world)[-1]

    assert before.get("FAILED", 0) < last["FAILED"] == SWEEP.size


def test_points_are_tried_again_where_their_submission_asks_for_it() -> None:
    strategy = {"attempts": 5, "evaluateOnExit": [{"action": "EXIT", "onExitCode": "2"}]}
    never = tries_of_points(submitted("point-fails"))
    often = tries_of_points(submitted("point-fails", retryStrategy=strategy))

    assert set(never.values()) == {1}
    # One that has taken too long is not tried again at all.
    assert max(often.values()) == 5


def test_a_point_that_waits_while_others_run_starts_on_a_later_machine() -> None:
    world = submitted("point-starts-late")
    seen = {tuple(sorted(one)) for one in ended(world)}

    assert any({"RUNNABLE", "SUCCEEDED"} <= set(one) for one in seen)


def test_as_many_points_may_fail_as_who_asked_tolerates() -> None:
    ends = []
    for tolerated in (99, 100):
        world = submitted("point-fails")
        world.tolerated_percent = tolerated
        ended(world)
        ends.append(world.ledger.endings["job-1"].state)

    assert ends == ["failed", "succeeded"]


def test_the_best_of_a_sweep_is_found_by_two_ways_alike() -> None:
    for kinds in ([], ["spot"], ["skew"], ["spot", "skew", "result-malformed"]):
        world = submitted(*kinds)
        ended(world)
        best = ranked(found(world), SWEEP, 1).best[0][1].objective

        left = world.ledger.left[RUN_ID, 1]
        assert best == _best(left, world.scheduler.now, SWEEP.model_dump())


@pytest.mark.parametrize(("kinds", "over"), [((), True), (("terminated-late",), False)])
def test_a_termination_may_do_nothing_for_a_while(kinds: tuple[str, ...], *, over: bool) -> None:
    world = submitted(*kinds)
    world.batch.terminate_job(jobId="job-1", reason="stopped")
    while (world.scheduler.next_due or 0) < NOW.timestamp() + 45:
        world.scheduler.step()

    assert (world.batch.jobs["job-1"]["status"] == "FAILED") is over
    ended(world)
    assert world.batch.jobs["job-1"]["status"] in ("FAILED", "SUCCEEDED")
