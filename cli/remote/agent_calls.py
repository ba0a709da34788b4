"""Our agent on a machine, called through any way that reaches it.

Each call is one command of `agent.pyz`, with JSON as its input and one JSON object as its last line
of output (container/agent). All but `begin` may be repeated: they find done what was done before.
"""

import json
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from cli.remote.reach import Answer, Reach
from shared.events import Model

# Where a sandbox has its root (container/agent); a machine's own is `/`.
_FOLDER = 'folder="${CLOUD_RUNNER_ROOT:-}"; folder="${folder%/}/var/lib/cloud-runner"'
# A program that runs keeps the file that it was started from: a new one takes the name alone.
_INSTALL = f"""
set -eu
umask 077
{_FOLDER}
mkdir -p "$folder"
cat >"$folder/agent.pyz.$$"
if cmp -s "$folder/agent.pyz.$$" "$folder/agent.pyz"; then
  rm -f "$folder/agent.pyz.$$"
else
  mv -f "$folder/agent.pyz.$$" "$folder/agent.pyz"
fi
"""
_CALL = f"""
{_FOLDER}
command -v python3 >/dev/null || {{ echo 'there is no python3' >&2; exit 127; }}
exec python3 "$folder/agent.pyz" """
_BUSY = 3
# A machine that has just booted is slow. Setting up pulls an image and clones a repository, to each
# of which the agent gives an hour.
_INSTALL_SECONDS = 120
_ARM_SECONDS = 120
_CHECK_SECONDS = 60
_SETUP_SECONDS = 7500
_BEGIN_SECONDS = 120
_Model = TypeVar("_Model", bound=Model)


class AgentRefused(click.ClickException):
    """The agent could not do what it was asked to, and says why."""


class Armed(Model):
    """A machine whose watchdog lives; it ends the machine at `ends_at` at the latest."""

    watchdog: bool
    ends_at: datetime | None = None


class Checked(Model):
    """How a machine is: what it has, and the run that it is busy with.

    `commit` is that of the repository that was cloned there.
    """

    watchdog: bool
    ends_at: datetime | None = None
    python: str | None = None
    boto3: bool = False
    docker: bool = False
    git: bool = False
    busy: str | None = None
    commit: str | None = None
    free_bytes: int | None = None


class Begun(Model):
    """What became of an order: `begun`, or refused by a machine that is `busy` with a run."""

    begun: bool = False
    busy: str | None = None


class Agent:
    """The agent of one machine.

    Every call may raise Unreachable, Unanswered (it may have been done), or AgentRefused.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def install(self) -> None:
        """Put the agent there, or the newer one."""
        from container.agent.build import packed  # noqa: PLC0415 - packing takes a moment

        answer = self._reach.run(_INSTALL, given=packed(), seconds=_INSTALL_SECONDS)
        if answer.code != 0:
            raise _refused("installing the agent", answer)

    def arm(self, terms: Mapping[str, Any]) -> Armed:
        """Start the watchdog, on these terms from now on."""
        armed = self._call("arm", Armed, _ARM_SECONDS, terms)
        if not armed.watchdog:
            message = "the machine's watchdog did not start"
            raise AgentRefused(message)
        return armed

    def check(self) -> Checked:
        """How the machine is."""
        return self._call("check", Checked, _CHECK_SECONDS)

    def setup(self, wanted: Mapping[str, Any]) -> None:
        """Make ready what an experiment needs: image, repository, program."""
        self._call("setup", Model, _SETUP_SECONDS, wanted)

    def begin(self, order: Mapping[str, Any]) -> Begun:
        """Begin an experiment, or hear which other one the machine is busy with."""
        return self._call("begin", Begun, _BEGIN_SECONDS, order, also=_BUSY)

    def _call(
        self,
        command: str,
        model: type[_Model],
        seconds: float,
        given: Mapping[str, Any] | None = None,
        *,
        also: int = 0,
    ) -> _Model:
        """What a command answered; `also` is a code that comes with an answer, beside 0."""
        sent = b"" if given is None else json.dumps(given).encode()
        answer = self._reach.run(_CALL + shlex.quote(command), given=sent, seconds=seconds)
        doing = f"{command} on the machine"
        if answer.code not in (0, also):
            raise _refused(doing, answer)
        lines = answer.stdout.strip().splitlines()
        try:
            return model.model_validate_json(lines[-1] if lines else "")
        except ValidationError as error:
            message = f"{doing}: it answered something else than was asked for"
            raise AgentRefused(message) from error


def _refused(doing: str, answer: Answer) -> AgentRefused:
    return AgentRefused(f"{doing}: {answer.last_words or f'exit code {answer.code}'}")
