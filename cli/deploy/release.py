"""What a published version of the webhook is made of, as one digest."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

PARAMETER = "WebhookRelease"
# Of what `sam build` left.
_PARTS = ("WebhookFunction", "SharedLayer")


def digest(built: Path, values: Mapping[str, str]) -> str:
    """The SHA-256 of the webhook's code, of its layer and of all parameters.

    SAM publishes a version where the code is another, and looks neither at the layer nor at what
    the function is told; so it is told this.
    """
    told = hashlib.sha256()
    for part in _PARTS:
        for file in sorted((built / part).rglob("*")):
            if file.is_file():
                told.update(f"{file.relative_to(built)}\0".encode())
                told.update(hashlib.sha256(file.read_bytes()).digest())
    for name, value in sorted(values.items()):
        if name != PARAMETER:
            told.update(f"{name}={value}\0".encode())
    return told.hexdigest()
