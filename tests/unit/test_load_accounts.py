"""Load: what is called lost, and what is called flat."""

import pytest

from tests.load.accounts import Account, Push, Seen, missing, unasked
from tests.load.memory import PARTS, Memory, Sample
from tests.load.report import failures_of
from tests.load.sender import Answer, Sent
from tests.load.soak import Growth, Thirds, growths

PUSH = Push("{8f1c2a7d}", "main", "4f2a" * 10, taken=True)
KEY = f"cloud-run-{PUSH.run_id}"


def seen(
    record: str | None = "succeeded",
    jobs: tuple[str, ...] = ("SUCCEEDED",),
    status: str = "SUCCESSFUL",
    keys: int = 1,
) -> Seen:
    return Seen(
        records={PUSH.run_id: record} if record else {},
        jobs={PUSH.job: jobs} if jobs else {},
        statuses={(PUSH.commit, KEY): status},
        keys_of={PUSH.commit: keys},
    )


def test_a_push_with_its_record_its_job_and_its_status_lacks_nothing() -> None:
    assert missing(PUSH, seen()) is None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (seen(record=None), "its record is not there"),
        (seen(record="requested"), "its record is requested"),
        (seen(jobs=()), "its jobs are []"),
        (seen(jobs=("SUCCEEDED", "SUCCEEDED")), "its jobs are ['SUCCEEDED', 'SUCCEEDED']"),
        (seen(status="INPROGRESS"), "its status is INPROGRESS, of 1 keys"),
        (seen(keys=2), "its status is SUCCESSFUL, of 2 keys"),
    ],
)
def test_what_a_push_lacks_or_has_too_much_of_is_said(found: Seen, said: str) -> None:
    assert missing(PUSH, found) == said


def test_records_jobs_and_statuses_that_no_push_asked_for_are_told() -> None:
    found = seen()
    more = Seen(
        records={**found.records, "77": "succeeded"},
        jobs={**found.jobs, "acme-77": ("SUCCEEDED",)},
        statuses={**found.statuses, ("77" * 20, "cloud-run-77"): "SUCCESSFUL"},
        keys_of=found.keys_of,
    )

    assert list(unasked([PUSH], found)) == []
    assert list(unasked([PUSH], more)) == [
        "record 77",
        "job acme-77",
        f"status of {'77' * 20}",
    ]


def test_a_late_answer_a_lost_push_and_a_message_left_are_failures() -> None:
    sent = Sent((Answer(202, "", 0.1, 0), Answer(202, "", 10.1, 0), Answer(503, "", 0.1, 0)), 0)
    account = Account(
        *(3, 2, 2, 2, 1, 0),
        *(("4f2a: its jobs are []",), {"runs": 1}, {"runs-dlq": 1}),
        unasked=("record 77",),
    )

    assert not account.whole

    assert failures_of(sent, account) == (
        "2 webhooks were not answered 202 within 10 s",
        "1 pushes are not accounted for, first 4f2a: its jobs are []",
        "1 that nobody asked for, first record 77",
        "messages left: {'runs': 1}",
        "dead letters: {'runs-dlq': 1}",
    )


def test_memory_that_grows_in_the_last_third_is_not_flat() -> None:
    # 100 MiB in two thirds of 90 s, then 120; a process more each 10 s, none of them larger.
    memory = Memory(
        [
            Sample(
                at,
                dict.fromkeys(PARTS, 100.0)
                | {"Batch endpoint": 120.0 if at > 60 else 100.0, "functions": 50.0 * (1 + at)},
                dict.fromkeys(PARTS, 1) | {"functions": 1 + at},
            )
            for at in range(0, 91, 10)
        ]
    )
    found = {one.part: one for one in growths(Thirds(memory, 0, 90), rate=1)}

    assert not found["Batch endpoint"].flat
    assert found["functions"].flat
    assert found["local up"].slope == 0


def test_the_emulator_may_keep_so_much_of_each_push() -> None:
    assert Growth("emulator", 100, 150, slope=0, kib_per_push=40).flat
    assert not Growth("emulator", 100, 150, slope=0, kib_per_push=80).flat


def test_a_part_that_nobody_saw_in_the_last_two_thirds_is_not_called_flat() -> None:
    mib = dict.fromkeys(PARTS, 50.0)
    gone = dict.fromkeys(PARTS, 1) | {"machines": 0}
    samples = [
        Sample(at, mib, gone if at >= 30 else dict.fromkeys(PARTS, 1)) for at in range(0, 91, 2)
    ]

    assert Thirds(Memory(samples), 0, 90).failures() == ["no process of machines was seen"]


def test_a_third_of_few_samples_says_nothing_of_growth() -> None:
    samples = [Sample(at, dict.fromkeys(PARTS, 50.0), dict.fromkeys(PARTS, 1)) for at in range(66)]
    thirds = Thirds(Memory(samples), 0, 90)

    assert not thirds.enough
    assert thirds.failures() == [
        "31 and 6 samples in a third, less than 10: nothing can be said of growth"
    ]
