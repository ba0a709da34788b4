"""Sweeps as jobs find them: a bucket with a list of points, the plan, and what points leave."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import aws
from shared.points import Place, Result, encode
from tests.integration.embedded_s3 import access, embedded_s3
from tests.integration.job_site import Finished, Site

BUCKET = "acme-development-data"


@dataclass(frozen=True)
class Swept:
    """A wave of a sweep of the project `parts`, and an S3 that holds it."""

    s3: Any
    sweep_id: str
    width: int
    size: int
    wave: int = 1

    @property
    def place(self) -> Place:
        return Place("parts", self.sweep_id)

    def site(self, site: Site, index: int = 0, **more: str) -> Site:
        """The site whose job is one of the points; `more` are variables."""
        return self.planned(site, {}, index, **more)

    def planned(self, site: Site, plan: Mapping[str, Any], index: int = 0, **more: str) -> Site:
        """The same with a plan that says more, or other things."""
        told = {
            "sweep": self.sweep_id,
            "wave": self.wave,
            "place": f"s3://{BUCKET}/{self.place.folder}",
            "width": self.width,
            "size": self.size,
            "objective": "accuracy",
            "direction": "maximize",
            "target": None,
            "log_to": None,
            **plan,
        }
        return site.with_environment(
            **access(self.s3.meta.endpoint_url),
            CLOUD_RUNNER_SWEEP=json.dumps(told),
            **({"AWS_BATCH_JOB_ARRAY_INDEX": str(index)} if self.size > 1 else {}),
            **more,
        )

    def left(self, index: int = 0, attempt: int = 1) -> dict[str, bytes]:
        """What a point has left below its own folder, by name."""
        folder = self.place.left_by(self.wave, attempt, index, "")
        return {name[len(folder) :]: body for name, body in stored(self.s3, folder).items()}

    def results(self) -> list[tuple[Result, dict[str, Any]]]:
        """All results, each as its name tells it and as its body does."""
        found = stored(self.s3, self.place.results)
        results = [(Result.read(key), json.loads(body)) for key, body in found.items()]
        return [(result, body) for result, body in results if result is not None]

    def result(self) -> dict[str, Any]:
        """The body of the one result that there is."""
        ((result, body),) = self.results()
        assert (result.ok, result.objective) == (body["ok"], body["objective"])
        return body


def stored(s3: Any, folder: str = "") -> dict[str, bytes]:
    """All objects below a prefix."""
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=folder).get("Contents", [])
    return {
        one["Key"]: s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed
    }


@contextmanager
def data_bucket(folder: Path) -> Iterator[Any]:
    """An S3 with the bucket."""
    with embedded_s3(folder, BUCKET) as url:
        yield aws.client("s3", url)


def swept(s3: Any, sweep_id: str, points: Sequence[Mapping[str, Any]], wave: int = 1) -> Swept:
    """A wave of these points, listed."""
    listed, width = encode(points)
    one = Swept(s3, sweep_id, width, len(points), wave)
    s3.put_object(Bucket=BUCKET, Key=one.place.points(wave), Body=listed)
    return one


def left_nothing_at_the_host(site: Site) -> bool:
    """Whether the host has no ref but those of before."""
    return site.branches() == {"main": site.head}


def without_fault(job: Finished) -> Finished:
    """The job, which has ended well."""
    assert job.code == 0, job.log
    return job
