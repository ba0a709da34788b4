"""From where on a watcher lists results, when machines' clocks differ."""

from typing import Any

from shared.points import Place, Result
from shared.sweep_results import SweepResults

NOW_MS = 1_763_722_800_000
MINUTE_MS = 60_000
PLACE = Place("churn", "4f2a")


class Bucket:
    """S3 with results that ended at these times."""

    def __init__(self, *times_ms: int) -> None:
        names = [Result(at, 1, 1, index, True, 1).name for index, at in enumerate(times_ms)]
        self.keys = sorted(PLACE.results + name for name in names)

    def list_objects_v2(self, **call: Any) -> dict[str, Any]:
        return {"Contents": [{"Key": key} for key in self.keys if key > call["StartAfter"]]}


def times_seen(bucket: Bucket, after_ms: int) -> list[int]:
    results = SweepResults(bucket, "data", PLACE, clock=lambda: NOW_MS / 1000)
    after = PLACE.results + Result(after_ms, 1, 1, 9, True, 1).name
    return [result.at_ms - NOW_MS for _, result in results.new(after)]


def test_a_machine_whose_clock_is_an_hour_ahead_hides_nothing_of_the_others() -> None:
    bucket = Bucket(NOW_MS - 1000, NOW_MS + 60 * MINUTE_MS)

    assert times_seen(bucket, NOW_MS + 60 * MINUTE_MS) == [-1000, 60 * MINUTE_MS]


def test_what_was_seen_long_ago_is_not_listed_again() -> None:
    bucket = Bucket(NOW_MS - 20 * MINUTE_MS, NOW_MS - 2 * MINUTE_MS)

    assert times_seen(bucket, NOW_MS - 10 * MINUTE_MS) == [-2 * MINUTE_MS]
