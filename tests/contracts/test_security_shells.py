"""No shell reads what users have written: no branch, name, argument or message becomes code.

Programs are started with lists of words. Where a script of a shell is made nevertheless, its place
and the reason stand below; what is put into it: `test_security_scripts`.
"""

from dataclasses import dataclass
from typing import Any

from tests.contracts.shells import hands_over, scripts, starts
from tests.contracts.sources import modules

SHIPPED = ("cli", "container", "local", "services", "shared")


@dataclass(frozen=True)
class Known:
    """In how many places of a module it is, and why."""

    places: int
    reason: str


# A shell that is started with a text that is no constant, or a program that is named elsewhere and
# may be one.
_PYTHON = "the Python of an image or a machine, with a program that is a constant or a file of ours"
STARTED = {
    "cli.remote.reach_ssh": Known(
        1,
        "ssh hands its command to the login shell: it is quoted whole, and is one of the scripts "
        "of ours that cli.remote.agent_calls has",
    ),
    "container.agent.setup": Known(1, _PYTHON),
    "container.comparison": Known(1, _PYTHON),
    "container.dvc_program": Known(1, _PYTHON),
    "container.pictures": Known(1, _PYTHON),
    "container.s3": Known(1, _PYTHON),
    "container.written": Known(1, _PYTHON),
    "local.machines.sandbox": Known(
        1,
        "stands in for Systems Manager and cloud-init of the embedded stack, whose work is to run "
        "scripts",
    ),
}
# A text that is a script.
WRITTEN = {
    "cli.remote.agent_calls": Known(
        1,
        "calls the agent on a machine by one of its own commands, quoted; what people say goes to "
        "its standard input",
    ),
    "cli.remote.user_data": Known(
        1,
        "starts the watchdog at a boot; what is put into it is base64, numbers, and JSON on one "
        "line of a quoted here-document",
    ),
    "cli.remote.wrapping": Known(
        1,
        "a command of Systems Manager is a text: script and input are in base64",
    ),
    "container.agent.watchdog": Known(
        1,
        "ends the machine though Python is broken; each word is quoted",
    ),
    "local.bitbucket.protections": Known(
        1,
        "a hook of the stand-in, by which it refuses pushes: a constant",
    ),
    "local.bitbucket.pushes": Known(
        1,
        "a hook of the stand-in, by which it hears of pushes: a constant",
    ),
    "local.machines.sandbox": Known(
        1,
        "a machine's python3, in the sandbox of a test; the word is quoted",
    ),
    "local.machines.sandbox_programs": Known(
        2,
        "a machine's shutdown, in it; the word is quoted",
    ),
    "container.scripts": Known(
        1,
        "the defaults that a project's own script may call; each word is quoted, and the script's "
        "arguments are passed on as they are",
    ),
}


def _found(looks: Any) -> dict[str, int]:
    """How many places there are in each module that has one."""
    found = {one.name: len(set(looks(one.tree))) for one in modules(*SHIPPED)}
    return {name: places for name, places in found.items() if places}


def _known(listed: dict[str, Known]) -> dict[str, int]:
    return {name: one.places for name, one in listed.items()}


def test_nothing_is_handed_to_a_shell_by_python() -> None:
    assert _found(hands_over) == {}


def test_a_shell_is_started_with_a_text_that_was_made_where_the_list_says_why() -> None:
    assert _found(starts) == _known(STARTED)


def test_scripts_are_made_where_the_list_says_why() -> None:
    assert _found(scripts) == _known(WRITTEN)


def test_every_exception_is_there_and_has_a_reason() -> None:
    names = {one.name for one in modules(*SHIPPED)}

    assert {*STARTED, *WRITTEN} <= names
    assert all(len(one.reason) > 40 for one in (*STARTED.values(), *WRITTEN.values()))
