"""The programs that can build an image, and which of them is there and answers."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

_ANSWER_SECONDS = 30  # a virtual machine of Docker Desktop or podman may have to wake up first


@dataclass(frozen=True)
class Engine:
    """A program: the words that make it show whether it works, and those that build.

    `environment` is added to that of a build.
    """

    name: str
    probe: tuple[str, ...]
    build: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


# In the order in which they are tried. Each `probe` asks the part that does the work: a client
# whose daemon or virtual machine is off still tells its own version. BuildKit's attestations make
# an index of what is one image, and a second, untagged one in the registry (docs.docker.com,
# "Build attestations"). podman and buildah heed SHELL in Docker's format alone.
ENGINES = (
    Engine(
        "docker",
        ("version", "--format", "{{.Server.Version}}"),
        ("build",),
        {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
    ),
    Engine("podman", ("info",), ("build", "--format", "docker")),
    Engine("finch", ("info",), ("build",)),
    Engine("buildah", ("info",), ("build", "--format", "docker")),
)


@dataclass(frozen=True)
class Found:
    """The engine that works, if there is one, and why those before it do not."""

    engine: Engine | None
    silent: tuple[str, ...]


def find() -> Found:
    """The first engine that is installed and answers."""
    silent: list[str] = []
    for engine in ENGINES:
        if shutil.which(engine.name) is None:
            continue
        trouble = _trouble(engine)
        if trouble is None:
            return Found(engine, tuple(silent))
        silent.append(f"{engine.name} is installed but does not answer: {trouble}")
    return Found(None, tuple(silent))


def _trouble(engine: Engine) -> str | None:
    """Why an engine does not work, in its own last words."""
    try:
        said = subprocess.run(
            [engine.name, *engine.probe],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"nothing within {_ANSWER_SECONDS} s"
    except OSError as error:
        return error.strerror or type(error).__name__
    if said.returncode == 0:
        return None
    lines = said.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {said.returncode}"
