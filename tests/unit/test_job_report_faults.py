"""Nothing that goes wrong in a report changes how its run has ended, but for a stop."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from container import publish, report_middle, storage
from container.bitbucket import Bitbucket, BitbucketRefused
from container.comparison import unknown
from container.exits import JobFailed
from container.job import Job
from container.masking import Masks
from container.pictures import Picture
from container.processes import Children, Interrupted
from container.report_time import ReportTime
from container.result import Result
from container.s3 import S3, S3Failed
from container.settings import Settings
from container.stages import Stages
from container.work import Work

FAULTS = [TypeError("odd"), RecursionError("deep"), MemoryError(), OSError(28, "No space left")]
RESULTS = {"CLOUD_RUNNER_RESULTS_URI": "s3://b/runs"}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(Work, "clear", lambda _: None)
    work = Work(
        job=Job("team", "parts", "main", "c" * 40, "run1", "1"),
        settings=Settings.read(RESULTS),
        passwords=None,
        children=Children(),
        masks=Masks(),
        stages=Stages(),
        directory=tmp_path,
        started=time.monotonic(),
    )
    monkeypatch.setattr(publish, "_store_whole", lambda *_: None)
    monkeypatch.setattr("container.machine.describe", lambda _: "")
    (work.project / ".dvc").mkdir()
    return work


def pushed() -> Result:
    return Result("d" * 40, "main", None)


def raising(error: Exception) -> Callable[..., None]:
    def act(*_: object, **__: object) -> None:
        raise error

    return act


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
@pytest.mark.parametrize("where", ["compose", "middle", "_facts", "_post"])
def test_a_fault_in_a_report_is_in_the_log_and_changes_nothing_else(
    work: Work,
    where: str,
    fault: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(report_middle, "compare", raising(TypeError("no DVC in here")))
    monkeypatch.setattr(publish, where, raising(fault))

    publish.succeeded(work, pushed())

    said = capsys.readouterr().out
    assert "report: failed" in said
    assert str(fault) in said


def test_a_fault_in_the_report_of_a_failure_does_not_hide_the_failure(
    work: Work, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publish, "compose", raising(ValueError("odd")))

    publish.failed(work, JobFailed(71, "a stage failed"))

    assert "there is no report: a fault of the runner, ValueError: odd" in capsys.readouterr().out


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_the_report_goes_out_without_what_could_not_be_compared_and_says_why(
    work: Work,
    fault: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(report_middle, "compare", raising(fault))

    publish.succeeded(work, pushed())

    said = capsys.readouterr()
    assert "**Succeeded** in " in said.out
    assert "They could not be compared: " in said.out
    assert str(fault).replace("[", r"\[").replace("]", r"\]") in said.out
    assert "report: done" in said.out
    assert "Traceback" in said.err


def test_the_report_goes_out_without_pictures_that_could_not_be_drawn_and_says_why(
    work: Work, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = unknown("c" * 40, "d" * 40, "")
    monkeypatch.setattr(report_middle, "compare", lambda *_, **__: found)
    monkeypatch.setattr("container.pictures.draw", raising(KeyError("odd")))

    made = report_middle.middle(work, pushed(), time.monotonic() + 60, lambda: None)

    assert made.comparison == found
    assert made.drawn.left == ("There are no pictures: a fault of the runner, KeyError: 'odd'",)


@pytest.mark.parametrize("where", ["report_middle.compare", "interpreter.with_dvc"])
def test_a_stop_stays_a_stop(
    work: Work,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(f"container.{where}", raising(Interrupted()))

    publish.succeeded(work, pushed())

    said = capsys.readouterr().out
    assert "interrupted by SIGTERM: there is no time for the report" in said
    assert "**Succeeded**" not in said


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_a_log_that_cannot_be_stored_changes_nothing(
    work: Work,
    fault: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(S3, "store", raising(fault))
    (tmp_path / "job.log").touch()

    publish.store_log(work, tmp_path / "job.log")

    assert f"the log is not stored: {type(fault).__name__}" in capsys.readouterr().out


def test_a_report_ends_before_its_job(work: Work) -> None:
    settings = Settings.read({"CLOUD_RUNNER_TIMEOUT_SECONDS": "3600"})

    times = [ReportTime.of(settings, 0.0, now) for now in (60.0, 3_400.0, 3_590.0)]

    assert [(one.comparing, one.posting) for one in times] == [
        (540.0, 660.0),
        (3_527.5, 3_570.0),
        (3_590.0, 3_600.0),
    ]


class Downloads:
    """Bitbucket's, which takes a file or refuses it."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses, self.asked = refuses, 0

    def upload(self, name: str, content: bytes, kind: str) -> str:
        self.asked += 1
        if self.refuses:
            raise BitbucketRefused(self.refuses, 403)
        return f"https://h.example/{name}"


def placed(work: Work, downloads: Downloads, until: float) -> list[str]:
    file = work.directory / "00.png"
    file.write_bytes(b"png")
    drawn = [Picture("Loss", file), Picture("ROC", file)]
    reach = cast("Callable[[], Bitbucket | None]", lambda: downloads)
    return [one.address for one in storage.place(work, reach, drawn, until)]


def test_pictures_get_addresses_until_the_time_is_over(work: Work) -> None:
    now = time.monotonic()

    assert placed(work, Downloads(), now + 60) == [
        "https://h.example/cloud-run-run1-1.png",
        "https://h.example/cloud-run-run1-2.png",
    ]
    assert placed(work, Downloads(), now) == ["", ""]


def test_a_bitbucket_that_refuses_one_picture_is_not_asked_for_the_others(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(S3, "store", raising(S3Failed("no")))
    downloads = Downloads("no permission")

    addresses = placed(work, downloads, time.monotonic() + 60)

    assert addresses == ["", ""]
    assert downloads.asked == 1
