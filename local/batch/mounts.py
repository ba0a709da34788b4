"""The directories of the machine that a job's container sees, and where it sees them.

Sources: Batch's user guide, "Volumes" and "Mount points" of a job definition; Docker makes a source
that is not there, and a volume without a source lives as long as its container.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from local.batch.shapes import Container


class UnknownVolume(Exception):
    """A mount's volume is none that this machine can give; the text says which."""


@dataclass(frozen=True)
class Mount:
    """A file or directory of the machine, and where the container has it."""

    source: Path
    target: str
    read_only: bool = False

    def inside(self, path: str) -> Path | None:
        """What a path in the container is on the machine; None if it is not of this mount."""
        try:
            below = PurePosixPath(path).relative_to(self.target)
        except ValueError:
            return None
        return self.source / below


def mounts_of(container: Container, scratch: Path) -> tuple[Mount, ...]:
    """A container's mounts; their sources exist. A link is followed now: it may change later.

    Raises:
        UnknownVolume: there is no such volume, or it is not one of this machine.

    """
    volumes = {volume.get("name"): volume for volume in container.volumes}
    mounts = []
    for point in container.mount_points:
        name, target = point.get("sourceVolume"), point.get("containerPath")
        volume = volumes.get(name)
        if volume is None or not {"host", "name"}.issuperset(volume):
            raise UnknownVolume(f"volume {name}: the embedded endpoint mounts host volumes only")
        host = volume.get("host")
        path = host.get("sourcePath") if isinstance(host, dict) else None
        source = Path(str(path)) if path else scratch / "volumes" / str(name)
        if not source.exists():
            source.mkdir(parents=True)
        mounts.append(Mount(source.resolve(), str(target), point.get("readOnly") is True))
    return tuple(mounts)


def on_machine(word: str, mounts: Iterable[Mount]) -> str:
    """A word of a command, with the path that it begins with as the machine knows it.

    >>> on_machine("/cache/dvc", [Mount(Path("/srv/cache"), "/cache")])
    '/srv/cache/dvc'
    >>> on_machine("/cached", [Mount(Path("/srv/cache"), "/cache")])
    '/cached'
    """
    for mount in sorted(mounts, key=lambda one: len(one.target), reverse=True):
        if (found := mount.inside(word)) is not None:
            return str(found)
    return word
