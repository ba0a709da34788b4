"""Log and results on their way to S3: whole, under a free name, and in the time that there is."""

import errno
import io
import os
import random
import tarfile
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from container.agent import archive, packing, upload
from container.agent.archive import Archive
from container.agent.upload import NotStored


class Answer(Exception):
    """An error that a service answered with, as botocore has it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"HTTP {code}")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": code}}


class S3:
    """S3 with the objects that it is given; `refuses` are the answers of its operations.

    `conditional`: whether boto3 knows its conditional writes.
    """

    def __init__(self, *there: str, conditional: bool = True, **refuses: int) -> None:
        self.conditional = conditional
        self.objects = dict.fromkeys(there, b"")
        self.refuses = refuses
        self.parts: dict[int, bytes] = {}
        self.aborted = False

    def head_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self._refuse("head", 0 if Key in self.objects else 404)

    def put_object(self, Key: str, Body: bytes, **given: Any) -> None:  # noqa: N803
        self._know(given)
        self._refuse("put", 412 if Key in self.objects else 0)
        self.objects[Key] = Body

    def create_multipart_upload(self, **_: Any) -> dict[str, str]:
        return {"UploadId": "an-upload"}

    def upload_part(self, PartNumber: int, Body: bytes, **_: Any) -> dict[str, str]:  # noqa: N803
        self._refuse("part")
        self.parts[PartNumber] = Body
        return {"ETag": str(PartNumber)}

    def complete_multipart_upload(self, Key: str, MultipartUpload: Any, **given: Any) -> None:  # noqa: N803
        self._know(given)
        numbers = [one["PartNumber"] for one in MultipartUpload["Parts"]]
        self.objects[Key] = b"".join(self.parts[number] for number in numbers)

    def abort_multipart_upload(self, **_: Any) -> None:
        self.aborted = True

    def _know(self, given: dict[str, Any]) -> None:
        if "IfNoneMatch" in given and not self.conditional:
            raise ParamValidationError(report='Unknown parameter in input: "IfNoneMatch"')
        assert self.conditional or given.keys() <= {"Bucket", "UploadId"}

    def _refuse(self, operation: str, otherwise: int = 0) -> None:
        if code := self.refuses.get(operation, otherwise):
            raise Answer(code)


def store(
    s3: S3,
    *results: tuple[str, Path],
    log: bytes | None = None,
    hurry: Callable[[], bool] = lambda: False,
    over: bool = False,
) -> Archive:
    given_up = threading.Event()
    if over:
        given_up.set()
    with tempfile.TemporaryFile() as file:
        file.write(log or b"")
        return archive.store(
            s3,
            "data",
            archive.keys("remote", "mine", "4f2a17bc"),
            log=None if log is None else ("a.log", file),
            results=list(results),
            hurry=hurry,
            over=given_up,
        )


def names(s3: S3, key: str = "remote/mine.tar.gz") -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(s3.objects[key])) as tar:
        return tar.getnames()


def test_an_archive_that_somebody_stores_meanwhile_is_not_replaced() -> None:
    # It may not look what there is, and is told when it has sent everything.
    s3 = S3("remote/mine.tar.gz", head=403)

    assert store(s3) == Archive("s3://data/remote/mine 4f2a17.tar.gz")
    assert s3.objects["remote/mine.tar.gz"] == b""


def test_a_large_archive_is_sent_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "_PART_BYTES", 5000)
    for number in range(300):
        (tmp_path / f"{number:03}").write_bytes(random.Random(number).randbytes(number))
    s3 = S3()
    store(s3, ("out", tmp_path))

    assert len(s3.parts) > 3
    assert len(names(s3)) == 301


@pytest.mark.parametrize(
    ("code", "final"), [(403, True), (404, True), (409, False), (429, False), (503, False)]
)
def test_what_s3_never_takes_is_final(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, *, final: bool
) -> None:
    monkeypatch.setattr(upload, "_PART_BYTES", 10)
    s3 = S3(part=code)
    with pytest.raises(NotStored) as refused:
        store(s3, ("out", tmp_path))

    assert refused.value.final is final
    assert s3.aborted


def test_an_upload_that_was_given_up_ends() -> None:
    s3 = S3()
    with pytest.raises(NotStored, match="given up"):
        store(s3, over=True)

    assert not s3.objects


def test_a_file_that_shrinks_meanwhile_leaves_the_archive_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrinking, other = tmp_path / "a", tmp_path / "b"
    shrinking.write_bytes(b"x" * 5000)
    other.write_bytes(b"y")
    padded = packing._Steady.read

    def read(self: Any, size: int) -> bytes:
        shrinking.write_bytes(b"")
        return padded(self, size)

    monkeypatch.setattr(packing._Steady, "read", read)
    s3 = S3()
    stored = store(s3, ("a", shrinking), ("b", other))

    assert names(s3) == ["a", "b"]
    assert stored.left_out == ("the end of a: it became shorter meanwhile",)


@pytest.mark.parametrize("part_bytes", [10, 10_000_000])
def test_an_older_boto3_stores_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int
) -> None:
    monkeypatch.setattr(upload, "_PART_BYTES", part_bytes)
    (tmp_path / "score").write_text("0.9")
    s3 = S3("remote/mine.tar.gz", conditional=False)
    stored = store(s3, ("out", tmp_path))

    assert stored.address == "s3://data/remote/mine 4f2a17.tar.gz"
    assert names(s3, "remote/mine 4f2a17.tar.gz") == ["out", "out/score"]


def test_what_boto3_itself_refuses_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise ParamValidationError(report="Invalid bucket name")

    s3 = S3()
    monkeypatch.setattr(s3, "put_object", refuse)
    with pytest.raises(NotStored) as refused:
        store(s3)

    assert refused.value.final


def test_results_that_are_links_are_stored_as_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/score").write_text("0.9")
    (tmp_path / "out").symlink_to("there")
    (tmp_path / "latest").symlink_to("there/score")
    (tmp_path / "nowhere").symlink_to("not/there")
    s3 = S3()
    store(s3, *((name, tmp_path / name) for name in ("out", "latest", "nowhere")))

    with tarfile.open(fileobj=io.BytesIO(s3.objects["remote/mine.tar.gz"])) as tar:
        kinds = [(member.name, member.isdir(), member.size) for member in tar]
    assert kinds == [("out", True, 0), ("out/score", False, 3), ("latest", False, 3)]


@pytest.mark.parametrize("part_bytes", [1000, 10_000_000])
def test_what_there_is_no_time_for_does_not_take_the_rest_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int
) -> None:
    monkeypatch.setattr(upload, "_PART_BYTES", part_bytes)
    monkeypatch.setattr(packing, "_LARGE_BYTES", 40_000)
    for name, size in (("1", 30_000), ("2", 300_000), ("3", 300_000), ("4", 1)):
        (tmp_path / name).write_bytes(random.Random(size).randbytes(size))
    log = b"line\n" * 10_000
    # The time is over in the middle of the third file.
    looks = iter([False] * 40)
    s3 = S3()
    stored = store(s3, ("out", tmp_path), log=log, hurry=lambda: next(looks, True))

    assert stored.left_out == ("no time for out/3 and what comes after it",)
    assert names(s3) == ["a.log", "out", "out/1", "out/2"]
    with tarfile.open(fileobj=io.BytesIO(s3.objects["remote/mine.tar.gz"])) as tar:
        members = (tar.extractfile(name) for name in ("a.log", "out/1", "out/2"))
        assert [file.read() for file in members if file] == [
            log,
            (tmp_path / "1").read_bytes(),
            (tmp_path / "2").read_bytes(),
        ]


def test_without_any_time_there_is_the_log(tmp_path: Path) -> None:
    (tmp_path / "score").write_text("0.9")
    s3 = S3()
    stored = store(s3, ("out", tmp_path), log=b"line", hurry=lambda: True)

    assert names(s3) == ["a.log"]
    assert stored.left_out == ("no time for out and what comes after it",)


def test_what_cannot_be_read_is_said_and_not_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        (tmp_path / f"{number}").write_bytes(b"x")
    opened = Path.open

    def refuse(self: Path, *arguments: Any) -> Any:
        if self.name == "7":
            return opened(self, *arguments)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self.name)

    monkeypatch.setattr(Path, "open", refuse)
    s3 = S3()
    stored = store(s3, ("out", tmp_path))

    assert names(s3) == ["out", "out/7"]
    assert stored.left_out[0] == "[Errno 13] Permission denied: '0'"
    assert stored.left_out[5:] == ("2 more",)
