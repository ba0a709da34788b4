"""The embedded AWS's S3 for a test, and the variables by which a job finds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import aws
from local.layout import StateDir, Tools
from local.parts import Part
from tests.integration.free_ports import on_a_free_port

NOWHERE = "http://127.0.0.1:1"


def emulator(state: StateDir) -> tuple[Part, str]:
    """The embedded AWS without Batch and EC2, and its address."""

    def begin(port: int) -> tuple[Part, str]:
        part = aws.start_emulator(Tools(), NOWHERE, NOWHERE, port, state)
        return part, f"http://127.0.0.1:{port}"

    return on_a_free_port(begin)


@contextmanager
def embedded_s3(folder: Path, bucket: str) -> Iterator[str]:
    """The address of an S3 with one bucket, until the end of the block."""
    state = StateDir(folder)
    state.aws.mkdir(parents=True, exist_ok=True)
    part, url = emulator(state)
    try:
        aws.client("s3", url).create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.REGION}
        )
        yield url
    finally:
        part.end()


def access(url: str) -> dict[str, str]:
    """What a job of this account finds in its environment."""
    return {**aws.credentials(), "AWS_ENDPOINT_URL": url}
