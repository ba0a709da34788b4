"""Files from and to the embedded S3, as a job copies them with the boto3 of another Python."""

import os
import secrets
import signal
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from container import s3_copy
from container.processes import Children, Ended
from container.s3 import S3, Copied, S3Failed
from local import aws
from tests.integration.bitbucket_stand_in import eventually
from tests.integration.embedded_s3 import NOWHERE, embedded_s3

BUCKET = "acme-results"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 with one bucket."""
    with embedded_s3(tmp_path_factory.mktemp("aws"), BUCKET) as url:
        yield url


@pytest.fixture
def objects(endpoint: str) -> Any:
    """A client for looking behind the job's back; the bucket is empty."""
    client = aws.client("s3", endpoint)
    for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=one["Key"])
    return client


def environment(endpoint: str, **more: str) -> dict[str, str]:
    return {
        **aws.clean_environment(),
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_MAX_ATTEMPTS": "1",
        **more,
    }


def s3(endpoint: str, where: Path, python: str | None = sys.executable, **more: str) -> S3:
    def run(command: Sequence[str]) -> Ended:
        return Children().run(
            command, directory=where, environment=environment(endpoint, **more), read=True
        )

    return S3(run, python)


def tree(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_text() for file in files}


def stored(objects: Any) -> dict[str, tuple[str, str]]:
    """Every key with its content and its type."""
    found = {}
    for one in objects.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        answer = objects.get_object(Bucket=BUCKET, Key=one["Key"])
        found[one["Key"]] = (answer["Body"].read().decode(), answer["ContentType"])
    return found


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_directory_comes_back_as_it_was_stored(
    endpoint: str, objects: Any, tmp_path: Path
) -> None:
    files = {"a.txt": "1", "sub/é $(x) +.csv": "22", "sub/deeper/b": ""}
    output = write(tmp_path / "output", files)
    (tmp_path / "input").mkdir()

    there = s3(endpoint, tmp_path).store(output, f"s3://{BUCKET}/runs/7")
    back = s3(endpoint, tmp_path).fetch(f"s3://{BUCKET}/runs/7", tmp_path / "input")

    assert there == back == Copied(files=3, bytes=3)
    assert tree(tmp_path / "input") == files


def test_a_fetched_tree_joins_what_the_directory_holds_already(
    endpoint: str, objects: Any, tmp_path: Path
) -> None:
    for key in ("data/", "data/a", "data/sub/", "data/sub/b", "database"):
        objects.put_object(Bucket=BUCKET, Key=key, Body=b"" if key.endswith("/") else b"new")
    target = write(tmp_path / "target", {"a": "old", "sub/c": "old"})

    copied = s3(endpoint, tmp_path).fetch(f"s3://{BUCKET}/data/", target)

    assert copied == Copied(files=2, bytes=6)
    assert tree(target) == {"a": "new", "sub/b": "new", "sub/c": "old"}


def test_one_object_is_fetched_by_its_name_even_if_there_is_a_folder_of_that_name(
    endpoint: str, objects: Any, tmp_path: Path
) -> None:
    objects.put_object(Bucket=BUCKET, Key="in/weights", Body=b"file")
    objects.put_object(Bucket=BUCKET, Key="in/weights/old", Body=b"other")

    copied = s3(endpoint, tmp_path).fetch(f"s3://{BUCKET}/in/weights", tmp_path / "target")

    assert copied == Copied(files=1, bytes=4)
    assert tree(tmp_path / "target") == {"weights": "file"}


def test_a_file_is_stored_under_its_own_name_or_another(
    endpoint: str, objects: Any, tmp_path: Path
) -> None:
    report = write(tmp_path, {"report.md": "# Run"}) / "report.md"

    s3(endpoint, tmp_path).store(report, f"s3://{BUCKET}/7/")
    s3(endpoint, tmp_path).store(report, f"s3://{BUCKET}/7/README.txt")

    assert stored(objects).keys() == {"7/report.md", "7/README.txt"}


def test_what_a_person_wants_to_see_opens_in_a_browser(
    endpoint: str, objects: Any, tmp_path: Path
) -> None:
    names = ["a.md", "a.txt", "a.LOG", "a.png", "a.svg", "a.json", "a.bin"]

    s3(endpoint, tmp_path).store(
        write(tmp_path / "out", dict.fromkeys(names, "x")), f"s3://{BUCKET}"
    )

    text = "text/plain; charset=utf-8"
    types = {name: kind for name, (_, kind) in stored(objects).items()}
    assert types.pop("a.bin").endswith("/octet-stream")
    assert types == {
        "a.md": text,
        "a.txt": text,
        "a.LOG": text,
        "a.png": "image/png",
        "a.svg": "image/svg+xml",
        "a.json": "application/json",
    }


def test_a_large_file_goes_in_several_parts_both_ways(
    endpoint: str, objects: Any, tmp_path: Path
) -> None:
    content = secrets.token_bytes(20_000_000)
    (tmp_path / "large").write_bytes(content)

    s3(endpoint, tmp_path).store(tmp_path / "large", f"s3://{BUCKET}/large")
    s3(endpoint, tmp_path).fetch(f"s3://{BUCKET}/large", tmp_path / "back")

    assert (tmp_path / "back" / "large").read_bytes() == content
    assert "-" in objects.head_object(Bucket=BUCKET, Key="large")["ETag"]  # it has parts


def test_links_are_followed_inside_and_an_empty_directory_is_nothing(
    endpoint: str, objects: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = write(tmp_path / "output", {"sub/a": "1"})
    write(tmp_path, {"secret": "s", "elsewhere/b": "2"})
    (output / "file").symlink_to("sub/a")
    (output / "folder").symlink_to(output / "sub")
    (output / "sub" / "top").symlink_to("..")
    (output / "outside").symlink_to(tmp_path / "secret")
    (output / "outside-folder").symlink_to("../elsewhere")
    (output / "nothing").symlink_to("gone")
    (output / "itself").symlink_to("itself")
    os.mkfifo(output / "pipe")
    Path(os.fsdecode(bytes(output) + b"/\xff")).write_text("no UTF-8")
    empty = tmp_path / "empty"
    empty.mkdir()

    copied = s3(endpoint, tmp_path).store(output, f"s3://{BUCKET}/out/")
    nothing = s3(endpoint, tmp_path).store(empty, f"s3://{BUCKET}/empty/")

    assert (copied.files, nothing) == (3, Copied(0, 0))
    assert stored(objects).keys() == {"out/sub/a", "out/file", "out/folder/a"}
    log = capfd.readouterr().err
    for name in ("outside", "outside-folder", "nothing", "itself", "pipe", "\\udcff", "sub/top"):
        assert f"{name}'" in log


@pytest.mark.parametrize("uri", ["s3:/x/y", "https://x/y", "s3://", "s3:///key", "s3://a b/c", ""])
def test_what_is_no_address_in_s3_is_said(tmp_path: Path, uri: str) -> None:
    with pytest.raises(S3Failed, match="is no address in S3: write s3://bucket/folder"):
        s3(NOWHERE, tmp_path).fetch(uri, tmp_path / "target")


def test_a_missing_bucket_key_or_file_is_named(endpoint: str, objects: Any, tmp_path: Path) -> None:
    job = s3(endpoint, tmp_path)
    file = write(tmp_path, {"a": "1"}) / "a"

    with pytest.raises(S3Failed, match="there is no bucket acme-nothing"):
        job.fetch("s3://acme-nothing/a", tmp_path / "target")
    with pytest.raises(S3Failed, match="there is no bucket acme-nothing"):
        job.store(file, "s3://acme-nothing/a")
    with pytest.raises(S3Failed, match=f"there is nothing at s3://{BUCKET}/gone"):
        job.fetch(f"s3://{BUCKET}/gone", tmp_path / "target")
    with pytest.raises(S3Failed, match="there is no file or directory"):
        job.store(tmp_path / "gone", f"s3://{BUCKET}/a")


def test_missing_credentials_and_an_endpoint_that_is_away_are_said(tmp_path: Path) -> None:
    anonymous = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}

    with pytest.raises(S3Failed, match="there are no AWS credentials: give the job definition"):
        s3(NOWHERE, tmp_path, **anonymous).fetch("s3://acme/a", tmp_path)
    with pytest.raises(S3Failed, match=r"S3 cannot be reached \(EndpointConnectionError\)"):
        s3(NOWHERE, tmp_path).fetch("s3://acme/a", tmp_path)


def test_an_image_without_boto3_is_told_so_before_and_when_it_needs_it(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    without = s3(NOWHERE, tmp_path, str(tmp_path / "bare" / "bin" / "python"))

    assert without.unavailable == "this image has no boto3 (pip install boto3)"
    assert s3(NOWHERE, tmp_path, None).unavailable == without.unavailable
    assert s3(NOWHERE, tmp_path).unavailable is None
    with pytest.raises(S3Failed, match="this image has no boto3"):
        without.store(tmp_path, "s3://acme/a")


def test_modules_of_the_directory_it_runs_in_are_not_taken_for_boto3(tmp_path: Path) -> None:
    write(tmp_path, {"boto3.py": "raise SystemExit('taken')", "json.py": "raise SystemExit(1)"})

    with pytest.raises(S3Failed, match="cannot be reached"):
        s3(NOWHERE, tmp_path).fetch("s3://acme/a", tmp_path)


@dataclass
class Bucket:
    """An S3 that answers as a test wants it: keys to list, or an error to everything."""

    keys: Sequence[str] = ()
    status: int = 200
    code: str = ""
    url: str = ""
    going: threading.Event = field(default_factory=threading.Event)
    """Set once the object `endless` is on its way."""


class Answers(BaseHTTPRequestHandler):
    """What such an S3 says."""

    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def do_HEAD(self) -> None:
        self._say(self.bucket.status, b"hello", sent=0)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._fail()

    def do_GET(self) -> None:
        if self.bucket.code:
            self._fail()
        elif "list-type=2" in self.path:
            entry = "<Contents><Key>{}</Key><Size>5</Size></Contents>"
            entries = "".join(entry.format(escape(key)) for key in self.bucket.keys)
            self._say(200, f"<ListBucketResult>{entries}</ListBucketResult>".encode())
        elif self.path.endswith("endless"):
            self._say(200, b"hello", sent=2)
            self.bucket.going.set()
            with suppress(OSError):
                self.rfile.read(1)  # until the client goes away
        else:
            self._say(200, b"hello")

    def _fail(self) -> None:
        self._say(self.bucket.status, f"<Error><Code>{self.bucket.code}</Code></Error>".encode())

    def _say(self, status: int, body: bytes, sent: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def scripted(bucket: Bucket) -> Iterator[Bucket]:
    handler = type("BucketAnswers", (Answers,), {"bucket": bucket})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        bucket.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield bucket
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "key",
    ["in/../../passwd", "in/..", "in//etc/passwd", "in/./a", "in/sub/../../../a", "in/link/a"],
)
def test_a_key_that_leads_out_of_the_directory_is_refused(tmp_path: Path, key: str) -> None:
    target = tmp_path / "a" / "target"
    target.mkdir(parents=True)
    (target / "link").symlink_to(tmp_path)
    before = set(tmp_path.rglob("*"))
    with (
        scripted(Bucket(keys=["in/fine", key])) as bucket,
        pytest.raises(S3Failed, match="leads out of the directory"),
    ):
        s3(bucket.url, tmp_path).fetch("s3://acme/in/", target)

    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "AccessDenied", "the job's role needs s3:ListBucket and s3:GetObject"),
        (400, "ExpiredToken", r"AWS does not take the credentials \(ExpiredToken\)"),
        (409, "OperationAborted", "S3 answered OperationAborted"),
    ],
)
def test_what_s3_refuses_is_said_in_a_sentence(
    tmp_path: Path, status: int, code: str, sentence: str
) -> None:
    with (
        scripted(Bucket(status=status, code=code)) as bucket,
        pytest.raises(S3Failed, match=sentence),
    ):
        s3(bucket.url, tmp_path).fetch("s3://acme/in/", tmp_path / "target")


def test_the_right_that_is_missing_for_storing_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, {"a": "1"}) / "a"
    with (
        scripted(Bucket(status=403, code="AccessDenied")) as bucket,
        pytest.raises(S3Failed, match="is denied: the job's role needs s3:PutObject"),
    ):
        s3(bucket.url, tmp_path).store(file, "s3://acme/in/")


def test_a_fetch_that_is_ended_leaves_no_file_behind(tmp_path: Path) -> None:
    target = write(tmp_path / "target", {"a": "old"})
    source = Path(s3_copy.__file__).read_text()
    with scripted(Bucket(keys=["in/a", "in/endless"])) as bucket:
        fetching = subprocess.Popen(
            [sys.executable, "-c", source, "fetch", "s3://acme/in/", str(target)],
            env=environment(bucket.url),
            stdout=subprocess.PIPE,
        )
        with fetching:
            try:
                assert bucket.going.wait(120)
                eventually(lambda: any(file.name == "a" for file in target.glob(".fetch-*/*")))
                fetching.send_signal(signal.SIGTERM)
                output, _ = fetching.communicate(timeout=120)
            finally:
                fetching.kill()

    assert fetching.returncode == 128 + signal.SIGTERM
    assert output == b""
    assert tree(target) == {"a": "old"}
