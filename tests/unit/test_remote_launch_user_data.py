"""The user data of a machine: our script, beside its owner's."""

import base64
import gzip
from email import message_from_bytes
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from cli.remote.options import Action, Wanted
from cli.remote.terms import terms
from cli.remote.user_data import MAX_BYTES, user_data
from container.agent.build import packed_for_boot
from shared.errors import Rejected

TERMS = terms(Wanted((Action.CREATE,)), region="eu-west-1", name="gpu-study")


def made(own: bytes | None = None, agent: bytes = b"agent") -> bytes:
    """User data, uncompressed."""
    return gzip.decompress(user_data(agent, TERMS, wait_seconds=600, own=own))


def parts(message: bytes) -> list[tuple[str | None, bytes]]:
    """The parts of a message as cloud-init walks them: names and contents."""
    walked = [part for part in message_from_bytes(message).walk() if not part.is_multipart()]
    return [(part.get_filename(), bytes(part.get_payload(decode=True) or b"")) for part in walked]


def test_alone_it_is_a_script_that_carries_the_agent() -> None:
    script = made(agent=b"the agent").decode()

    assert script.startswith("#!/bin/sh\n")
    assert base64.b64encode(b"the agent").decode() in script


def test_the_fallback_comes_before_anything_that_can_fail() -> None:
    lines = made().decode().splitlines()

    fallback = lines.index(f"end_after {24 * 3600 + 900 + 900}")
    assert fallback < min(n for n, line in enumerate(lines) if line.startswith(("mkdir", "base64")))


def test_a_quarter_of_the_room_is_left_for_what_others_want() -> None:
    packed = user_data(packed_for_boot(), TERMS, wait_seconds=600)

    assert len(packed) < MAX_BYTES * 3 / 4


def test_the_same_user_data_has_the_same_bytes() -> None:
    both = [user_data(b"agent", TERMS, wait_seconds=600, own=b"#!/bin/sh\n") for _ in range(2)]

    assert both[0] == both[1]


@pytest.mark.parametrize(
    "own", [b"#!/bin/bash\necho \xff\n", b"#cloud-config\npackages: [git]\n", b"#include\nx\n"]
)
def test_own_user_data_stays_as_it_is_behind_ours(own: bytes) -> None:
    found = parts(made(own))

    assert [name for name, _ in found] == ["(000-cloud-runner", None]
    assert found[0][1].startswith(b"#!/bin/sh\n")
    assert found[1][1] == own


def test_own_user_data_may_be_compressed() -> None:
    assert parts(made(gzip.compress(b"#!/bin/sh\n")))[1][1] == b"#!/bin/sh\n"


def test_own_user_data_may_have_several_parts() -> None:
    own = MIMEMultipart()
    for text, kind in (("#cloud-config\n{}\n", "cloud-config"), ("#!/bin/sh\n", "x-shellscript")):
        part = MIMEText(text, kind)
        part.add_header("Content-Disposition", "attachment", filename=kind)
        own.attach(part)
    found = parts(made(own.as_bytes()))

    assert [name for name, _ in found] == ["(000-cloud-runner", "cloud-config", "x-shellscript"]
    assert found[2][1] == b"#!/bin/sh\n"


@pytest.mark.parametrize("own", [b"<powershell>", b"settings.motd = 1", b"\x1f\x8bnonsense"])
def test_what_cloud_init_would_not_run_is_refused(own: bytes) -> None:
    with pytest.raises(Rejected, match="UserData"):
        made(own)


def test_what_is_too_long_is_refused() -> None:
    noise = "".join(f"# {number * 7919 % 100_003}\n" for number in range(20_000))
    with pytest.raises(Rejected, match=r"over EC2's 16,384, compressed"):
        made(f"#!/bin/sh\n{noise}".encode())


def test_a_machine_that_is_kept_has_no_end_for_want_of_work() -> None:
    kept = Wanted((Action.CREATE,), afterwards="keep", idle_minutes=5)
    told = terms(kept, region="eu-west-1", name=None, instance="i-0a")

    assert (told["idle_seconds"], told["afterwards"]) == (None, "keep")
