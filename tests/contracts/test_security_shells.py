"""No shell reads what users have written: no branch, name, argument or message becomes code.

Programs are started with lists of words. Where a script of a shell is made nevertheless, its place
and the reason stand below, and what is put into it is quoted, encoded, or of fixed form.
"""

import ast
import base64
import gzip
import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from cli.remote.user_data import user_data
from cli.remote.wrapping import wrapped
from tests.contracts.shells import hands_over, scripts, starts
from tests.contracts.sources import modules
from tests.contracts.wiring import PROJECT

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
    "container.dvc": Known(1, _PYTHON),
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


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(words, shell=True)",
        "subprocess.run(words, shell=asked)",
        "os.system(branch)",
        "subprocess.getoutput(f'git log {branch}')",
        "os.spawnlp(os.P_WAIT, 'sh', 'sh', '-c', x)",
        "from os import system; system(x)",
        "from os import system as start; start(x)",
        "import os as o; o.popen(x)",
        "from subprocess import getoutput; getoutput(x)",
        "run(words, **{'shell': True})",
        "import subprocess; subprocess.run(words, **options)",
        "import subprocess as s; s.Popen(words, -1, None, None, None, None, None, True, True)",
    ],
)
def test_what_hands_a_text_to_a_shell_is_seen(source: str) -> None:
    assert list(hands_over(ast.parse(source))) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "run(['sh', '-c', f'git log {x}'])",
        "('/bin/bash', '-ec', x)",
        "execl('/bin/sh', '-c', x)",
        "run(['bash', '-e', '-c', x])",
        "run(['bash', '-euo', 'pipefail', '-c', x])",
        "run(['env', 'A=1', 'sh', '-c', x])",
        "run([shell, '-c', x])",
        "run(['sh', '-c'] + [x])",
        "run(['sh', '-c', *words])",
        "run(['sh', *words])",
        "run(['sh', *['-c', x]])",
    ],
)
def test_a_shell_that_is_started_with_a_text_is_seen(source: str) -> None:
    assert set(starts(ast.parse(source))) == {1}


@pytest.mark.parametrize(
    "source",
    ["run(['sh', '-c', 'exit 3'])", "run([git, 'log', '-c', x])", "run(['git', '-c', x])"],
)
def test_a_text_that_is_a_constant_or_for_no_shell_is_none_of_these(source: str) -> None:
    assert list(starts(ast.parse(source))) == []


@pytest.mark.parametrize("source", ["x = f'#!/bin/sh\\n{y}'", "x = 'ssh h bash -c ' + y"])
def test_a_script_is_seen(source: str) -> None:
    assert list(scripts(ast.parse(source))) == [1]


WILD = "$(touch pwned) `touch pwned`; touch pwned # ' \" \\ {{ssm:x}} \nEND\nTERMS\ntouch pwned\n"


def test_whatever_goes_to_a_machine_through_systems_manager_stays_what_it_is(
    tmp_path: Any,
) -> None:
    command = wrapped('cat; echo then "$0"', WILD.encode())
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, timeout=30, check=True
    )

    assert done.stdout.decode() == f"{WILD}then sh\n"
    assert list(tmp_path.iterdir()) == []
    assert "{{" not in command


def test_the_terms_of_a_machine_stay_what_they_are_in_its_user_data() -> None:
    terms = {"max_seconds": 60, "finish_seconds": 60, "name": WILD, "@AGENT@": "x"}
    script = gzip.decompress(user_data(b"agent", terms, wait_seconds=60)).decode()
    _, _, document = script.partition("<<'TERMS'")
    (line,) = document.partition("\nTERMS\n")[0].splitlines()[1:]

    assert '"name": "$(touch pwned)' in line
    assert base64.b64encode(b"agent").decode() in script
    assert script.count("\nTERMS\n") == 1


def _user_data() -> tuple[str, dict[str, Any]]:
    template = yaml_parse((PROJECT / "container/compute.yaml").read_text(encoding="utf-8"))
    machine = template["Resources"]["MachineTemplate"]["Properties"]["LaunchTemplateData"]
    text, others = machine["UserData"]["Fn::Base64"]["Fn::Sub"]
    return text, {"parameters": template["Parameters"], "others": others}


def test_what_becomes_part_of_the_machines_script_can_hold_no_code() -> None:
    """CloudFormation puts parameters into it as they are, so their patterns are its quotes."""
    text, known = _user_data()
    named = set(re.findall(r"\$\{([A-Za-z:]+)\}", text))
    parameters = named & known["parameters"].keys()

    assert {"CacheDirectory", "ProgramDirectory", "StopSeconds"} <= parameters
    assert named - parameters == {"AWS::Region", "DataBucket", *known["others"]}
    for name in parameters:
        declared = known["parameters"][name]
        pattern = declared.get("AllowedPattern", "")
        numbers = declared["Type"] == "Number"
        words = [
            "a b",
            "/a b",
            "$(x)",
            "/$(x)",
            "/`x`",
            "/a;x",
            "/a'x",
            '/a"x',
            "/a\nx",
            "/a|x",
            "/a&x",
        ]
        assert numbers or pattern, name
        assert numbers or not [word for word in words if re.fullmatch(pattern, word)], name


def test_the_words_of_a_quoted_command_are_the_words_again() -> None:
    words = ["sudo", "-n", "sh", "-c", WILD]

    assert shlex.split(shlex.join(words)) == words


def test_every_exception_is_there_and_has_a_reason() -> None:
    names = {one.name for one in modules(*SHIPPED)}

    assert {*STARTED, *WRITTEN} <= names
    assert all(len(one.reason) > 40 for one in (*STARTED.values(), *WRITTEN.values()))
