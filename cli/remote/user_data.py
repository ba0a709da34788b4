r"""The user data of a machine that we create: its watchdog, beside what its owner wants done.

cloud-init runs it as root at the first boot. It takes scripts, and MIME messages of several parts,
both also compressed (cloud-init, "User data formats"); scripts run in the order of their names, but
after all that a cloud-config wants done before (`bootcmd`, `packages`).
"""

import base64
import gzip
import json
import textwrap
import zlib
from collections.abc import Mapping
from email import message_from_bytes
from email.encoders import encode_base64
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from typing import Any, Final

from shared.errors import Rejected

# EC2's, before base64 (service model: "User data is limited to 16 KB").
MAX_BYTES: Final = 16_384
# The parenthesis comes before all that others may begin with: cloud-init leaves of a file's name
# letters, digits and "_-.()" alone (its util.clean_filename).
_NAME: Final = "(000-cloud-runner"
_GZIP: Final = b"\x1f\x8b"
_MIME: Final = b"mime-version:"
# Where cloud-init looks for that header.
_MIME_WITHIN: Final = 4096
# How cloud-init knows what it is given.
_KINDS: Final = (b"#!", b"#cloud-", b"#include", b"#part-handler", b"## template:")
# Storing comes on top of the time that a machine has, and this on top of both.
_LATER_SECONDS: Final = 900
_TEMPLATE: Final = r"""#!/bin/sh
# The watchdog of this machine. The timers of plain sh are for the case that it does not live:
# they leave the machine alone if it was armed again after its boot, and its watchdog lives.
umask 077
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH
root="${CLOUD_RUNNER_ROOT:-}"
root="${root%/}"
folder="$root/var/lib/cloud-runner"
mark="$folder/armed-at-boot"
# Where cloud-init says which machine this is.
instance="$(cat "$root/var/lib/cloud/data/instance-id" 2>/dev/null)"
end_after() {
  (
    trap '' HUP
    sleep "$1"
    [ -n "$(find "$folder/terms.json" -newer "$mark" 2>/dev/null)" ] &&
      python3 "$folder/agent.pyz" check 2>/dev/null | grep -q '"watchdog": true' ||
      shutdown -h now
  ) </dev/null >/dev/null 2>&1 &
}
end_after @LATEST@
mkdir -p "$folder"
touch "$mark"
base64 -d >"$folder/agent.pyz" <<'AGENT'
@AGENT@
AGENT
arm() {
  sed "s/@INSTANCE@/$instance/" <<'TERMS' | python3 "$folder/agent.pyz" arm
@TERMS@
TERMS
}
for pause in 5 20 60; do
  arm && touch "$mark" && armed=yes && break
  sleep "$pause"
done
if [ -z "${armed:-}" ]; then
  echo 'cloud-runner: no watchdog could be started, so that this machine ends soon' >&2
  end_after @SOON@
fi
"""


def user_data(
    agent: bytes, terms: Mapping[str, Any], *, wait_seconds: float, own: bytes | None = None
) -> bytes:
    """What RunInstances is given, before base64: ours, and behind it `own`, compressed.

    `agent` is the program, as far as a boot needs it; which machine it is on it hears from
    cloud-init. A machine whose watchdog cannot be started ends when nobody waits for it any more,
    some time after `wait_seconds`.

    Raises:
        Rejected: `own` is nothing that cloud-init would understand, or too long beside ours.

    """
    ours = _script(agent, terms, wait_seconds)
    whole = ours if own is None else _both(ours, own)
    packed = gzip.compress(whole, compresslevel=9, mtime=0)
    if len(packed) > MAX_BYTES:
        message = (
            f"UserData is too long beside what makes the machine end itself: "
            f"{len(packed) - MAX_BYTES} bytes over EC2's {MAX_BYTES:,}, compressed: let it fetch "
            "its larger part"
        )
        raise Rejected(message)
    return packed


def _script(agent: bytes, terms: Mapping[str, Any], wait_seconds: float) -> bytes:
    latest = terms["max_seconds"] + terms["finish_seconds"] + _LATER_SECONDS
    values = {
        "@LATEST@": str(round(latest)),
        "@SOON@": str(round(wait_seconds) + _LATER_SECONDS),
        "@AGENT@": textwrap.fill(base64.b64encode(agent).decode(), 76),
        "@TERMS@": json.dumps({**terms, "instance": "@INSTANCE@"}),
    }
    text = _TEMPLATE
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text.encode()


def _both(ours: bytes, own: bytes) -> bytes:
    whole = MIMEMultipart(boundary="==cloud-runner==")
    whole.attach(_part(ours, _NAME))
    whole.attach(_own_part(_plain(own)))
    return whole.as_bytes()


def _plain(own: bytes) -> bytes:
    if not own.startswith(_GZIP):
        return own
    try:
        return gzip.decompress(own)
    except (OSError, EOFError, zlib.error) as error:
        message = f"UserData begins as gzip does, and cannot be decompressed: {error}"
        raise Rejected(message) from error


def _own_part(own: bytes) -> Message:
    if _MIME in own[:_MIME_WITHIN].lower():
        return message_from_bytes(own)
    if not own.startswith(_KINDS):
        message = (
            "UserData is nothing that cloud-init would run, beside which ours would not run "
            "either: a script begins with #!, its configuration with #cloud-config"
        )
        raise Rejected(message)
    return _part(own)


def _part(content: bytes, name: str | None = None) -> Message:
    """A part that cloud-init looks into to know what it is."""
    part = MIMENonMultipart("text", "plain")
    part.set_payload(content)
    encode_base64(part)
    if name is not None:
        part.add_header("Content-Disposition", "attachment", filename=name)
    return part
