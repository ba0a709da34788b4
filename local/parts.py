"""The parts of the stack as child processes: started, waited for, watched, ended, started again."""

import contextlib
import json
import select
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local import tether
from local.layout import StackError

_READY_SECONDS = 60
_LOG_TAIL = 15


@dataclass(frozen=True)
class Part:
    """A running part. Its end of the tether's pipe is ours: if we die, it ends."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    # What it was started with, to be started so again; the environment may hold secrets.
    argv: tuple[str, ...] = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    cwd: Path

    def ended(self) -> int | None:
        """Its exit code once it has ended."""
        return self.process.poll()

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL:])

    def end(self) -> None:
        """End it and all that it started, and wait until that has happened."""
        self.process.terminate()
        self._collect()

    def crash(self) -> None:
        """Let it die as by a crash: SIGKILL, and not a word before it."""
        self.process.kill()  # the tether, with which the program dies
        self._collect()

    def _collect(self) -> None:
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def start(name: str, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, logs: Path) -> Part:
    """Start a part; what it says goes to `logs`, all but the line that tells it is ready."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("ab") as stream:
        process = tether.start(
            argv, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=stream, grace=10
        )
    return Part(name, process, log, tuple(argv), dict(env), cwd)


def start_again(part: Part, port: int) -> Part:
    """Start a part once more, after its end, on the port that it had; it answers by then."""
    # Its program may outlive a tether that was killed by a moment.
    deadline = time.monotonic() + _READY_SECONDS
    while not is_free(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    # Of an option that is given twice, click takes the last.
    argv = (*part.argv, "--port", str(port))
    again = start(part.name, argv, env=part.env, cwd=part.cwd, logs=part.log.parent)
    try:
        ready_port(again)
    except BaseException:
        again.end()
        raise
    return again


def ready_port(part: Part) -> int:
    """Wait for the part's one line of JSON, {"port": N}, on its standard output."""
    out = part.process.stdout
    if out is None:
        message = f"{part.name} was started without a pipe"
        raise ValueError(message)
    readable, _, _ = select.select([out], [], [], _READY_SECONDS)
    line = out.readline() if readable else b""
    if not line:
        message = f"{part.name} did not start: see {part.log}\n{part.tail()}"
        raise StackError(message)
    port: int = json.loads(line)["port"]
    return port


def wait_until(part: Part, ready: Callable[[], bool]) -> None:
    """Wait until `ready` says so, as long as the part lives."""
    deadline = time.monotonic() + _READY_SECONDS
    while not ready():
        if part.ended() is not None or time.monotonic() > deadline:
            message = f"{part.name} did not start: see {part.log}\n{part.tail()}"
            raise StackError(message)
        time.sleep(0.05)


def is_free(port: int) -> bool:
    """Whether somebody could listen on a port of loopback now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that is free on loopback now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
