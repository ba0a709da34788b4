"""Host keys in what a machine prints on its console."""

import base64

import pytest

from cli.remote.host_keys import console_keys, printed_keys
from tests.fakes import refusal


def key(kind: str, filling: bytes = b"\0" * 32) -> str:
    name = kind.encode()
    blob = len(name).to_bytes(4, "big") + name + filling
    return f"{kind} {base64.b64encode(blob).decode()}"


ED, RSA, EC = key("ssh-ed25519"), key("ssh-rsa"), key("ecdsa-sha2-nistp256")
BOOT = f"""\
[   12.4] cloud-init[1234]: Cloud-init v. 22.2.2 running 'modules:final'
ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----
ec2: 256 SHA256:abc root@ip-10-0-0-1 (ED25519)
ec2: -----END SSH HOST KEY FINGERPRINTS-----
-----BEGIN SSH HOST KEY KEYS-----
{ED} root@ip-10-0-0-1
[   13.1] cloud-init[1234]: {RSA}
{EC}
-----END SSH HOST KEY KEYS-----
login:
"""


def test_the_keys_of_the_block_are_found_wherever_they_stand_in_their_lines() -> None:
    assert printed_keys(BOOT.replace("\n", "\r\n")) == (ED, RSA, EC)


def test_the_last_complete_block_counts() -> None:
    other = key("ssh-ed25519", b"\1" * 32)
    again = f"-----BEGIN SSH HOST KEY KEYS-----\n{other}\n-----END SSH HOST KEY KEYS-----\n"
    begun = f"-----BEGIN SSH HOST KEY KEYS-----\n{RSA}\n"

    assert printed_keys(BOOT + again + begun) == (other,)


@pytest.mark.parametrize(
    "console",
    [
        "",
        f"{ED}\n",
        f"-----BEGIN SSH HOST KEY KEYS-----\n{ED}\n",
        f"ssh-ed25519 {ED}\n-----END SSH HOST KEY KEYS-----\n",
    ],
)
def test_what_is_in_no_block_is_no_key(console: str) -> None:
    assert printed_keys(console) == ()


@pytest.mark.parametrize(
    "line",
    [
        ED.replace("ssh-ed25519", "ssh-rsa"),
        ED[:-3],
        "ssh-ed25519 AAAA",
        "ssh-ed25519 AAAA%%%%",
        f"@cert-authority * {ED}".replace("AAAA", "BBBB"),
    ],
)
def test_a_mangled_line_is_no_key(line: str) -> None:
    console = f"-----BEGIN SSH HOST KEY KEYS-----\n{line}\n-----END SSH HOST KEY KEYS-----\n"

    assert printed_keys(console) == ()


def test_a_machine_that_cannot_tell_its_latest_output_tells_what_is_stored() -> None:
    class Client:
        def get_console_output(self, **asked: object) -> dict[str, str]:
            if "Latest" in asked:
                raise refusal("UnsupportedOperation", 400, "GetConsoleOutput")
            return {"Output": BOOT}

    assert console_keys(Client(), "i-0a") == (ED, RSA, EC)
