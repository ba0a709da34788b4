"""The host keys of a machine, as it printed them on its console.

cloud-init prints the public keys between two lines at the end of a machine's first boot (its
module "Keys to Console"). EC2 hands the console's output to whoever may read it in the account,
which no network in between can forge: that is why these keys are believed, and no others.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from cli.asking import asking
from shared.aws import calling

_BLOCK = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL
)
# A line may begin with the time or the name of who prints, and end with a comment.
_KEY = re.compile(r"\b(ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+) +(AAAA[A-Za-z0-9+/]+={0,2})")
# EC2's code for a machine whose hypervisor can only tell what it has stored.
_NOT_THE_LATEST = "UnsupportedOperation"


def printed_keys(console: str) -> tuple[str, ...]:
    """The keys of the last complete block, as `ssh-ed25519 AAAA…`; none where there is no block.

    A line that was mangled, as by a kernel's message in the middle of it, is no key.
    """
    blocks = _BLOCK.findall(console)
    if not blocks:
        return ()
    found = _KEY.findall(blocks[-1])
    return tuple(dict.fromkeys(f"{kind} {key}" for kind, key in found if _is_key(kind, key)))


def known_hosts(alias: str, keys: Sequence[str]) -> str:
    r"""The lines of a known_hosts file (sshd(8)) for a host that is called `alias`.

    >>> known_hosts("i-0abc", ["ssh-ed25519 AAAA"])
    'i-0abc ssh-ed25519 AAAA\n'
    """
    return "".join(f"{alias} {key}\n" for key in keys)


def console_keys(ec2: Any, instance_id: str) -> tuple[str, ...]:
    """The keys that a machine has printed so far; none while it has not, or if it never does.

    Raises:
        AccountError: EC2 refuses to tell.
        Unavailable: EC2 failed, for now.

    """
    doing = f"reading the console of {instance_id}"
    with asking(doing), calling(doing):
        try:
            answer = ec2.get_console_output(InstanceId=instance_id, Latest=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != _NOT_THE_LATEST:
                raise
            answer = ec2.get_console_output(InstanceId=instance_id)
    return printed_keys(answer.get("Output", ""))


def _is_key(kind: str, key: str) -> bool:
    """Whether the key's own first field, a length and a name (RFC 4253, 6.6), names its kind."""
    try:
        blob = base64.b64decode(key, validate=True)
    except binascii.Error:
        return False
    name = kind.encode()
    return blob[:4] == len(name).to_bytes(4, "big") and blob[4 : 4 + len(name)] == name
