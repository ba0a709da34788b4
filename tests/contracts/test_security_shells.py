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
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from cli.remote.user_data import user_data
from cli.remote.wrapping import wrapped
from tests.contracts.sources import modules
from tests.contracts.wiring import PROJECT

SHIPPED = ("cli", "container", "local", "services", "shared")
SHELLS = {"sh", "ash", "bash", "dash", "ksh", "zsh", "fish", "busybox"}
# Functions that hand a text to a shell, whatever it holds (library reference, "Security
# considerations" of subprocess, os, pty, asyncio).
ALWAYS = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
    "pty.spawn",
}
# A script begins so, or has such a call in it.
_SCRIPT = re.compile(
    r"^#!\s*\S*/(?:env )?(?:\w*sh)\b|\b(?:ba|da|z)?sh -c\b|> ?/dev/null", re.MULTILINE
)

# A shell that is started with a text that is no constant.
STARTED = {
    "cli.remote.reach_ssh": "ssh hands its command to the login shell: it is quoted whole, and is "
    "one of the scripts of ours that cli.remote.agent_calls has",
    "local.machines.sandbox": "stands in for Systems Manager and cloud-init of the embedded stack, "
    "whose work is to run scripts",
}
# A text that is a script.
WRITTEN = {
    "cli.remote.agent_calls": "calls the agent on a machine by one of its own commands, quoted; "
    "what people say goes to its standard input",
    "cli.remote.user_data": "starts the watchdog at a boot; what is put into it is base64, "
    "numbers, and JSON on one line of a quoted here-document",
    "cli.remote.wrapping": "a command of Systems Manager is a text: script and input are in base64",
    "container.agent.watchdog": "ends the machine though Python is broken; each word is quoted",
    "local.bitbucket.protections": "a hook of the stand-in, by which it refuses pushes: a constant",
    "local.bitbucket.pushes": "a hook of the stand-in, by which it hears of pushes: a constant",
    "local.machines.sandbox": "a machine's python3, in the sandbox of a test; the word is quoted",
    "local.machines.sandbox_programs": "a machine's shutdown, in it; the word is quoted",
    "container.scripts": "the defaults that a project's own script may call; each word is quoted, "
    "and the script's arguments are passed on as they are",
}


def _dotted(node: ast.expr) -> str:
    """The name that is called, such as `os.system`."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _constant(node: ast.expr | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _hands_over(tree: ast.AST) -> Iterator[int]:
    """The lines on which a text is given to a shell by Python."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func)
        given = {word.arg: word.value for word in node.keywords}
        by_shell = "shell" in given and _constant(given["shell"]) is not False
        if by_shell or name in ALWAYS or name.startswith("os.spawn"):
            yield node.lineno


def _starts(tree: ast.AST) -> Iterator[int]:
    """The lines on which a list of words starts a shell with a text that is no constant."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.List | ast.Tuple | ast.Call):
            continue
        words = node.args if isinstance(node, ast.Call) else node.elts
        for shell, option, text in zip(words, words[1:], words[2:], strict=False):
            name, flags = _constant(shell), _constant(option)
            if not isinstance(name, str) or PurePosixPath(name).name not in SHELLS:
                continue
            if isinstance(flags, str) and re.fullmatch(r"-[a-z]*c[a-z]*", flags):
                yield from () if _constant(text) is not None else (node.lineno,)


def _scripts(tree: ast.Module) -> Iterator[int]:
    """The lines of texts that are scripts, in parts or whole; docstrings aside."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in said:
            continue
        if isinstance(node.value, str) and _SCRIPT.search(node.value):
            yield node.lineno


def _found(looks: Any) -> dict[str, list[int]]:
    found = {one.name: list(looks(one.tree)) for one in modules(*SHIPPED)}
    return {name: lines for name, lines in found.items() if lines}


def test_nothing_is_handed_to_a_shell_by_python() -> None:
    assert _found(_hands_over) == {}


def test_a_shell_is_started_with_a_text_that_was_made_where_the_list_says_why() -> None:
    assert _found(_starts).keys() == STARTED.keys()


def test_scripts_are_made_where_the_list_says_why() -> None:
    assert _found(_scripts).keys() == WRITTEN.keys()


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(words, shell=True)",
        "subprocess.run(words, shell=asked)",
        "os.system(branch)",
        "subprocess.getoutput(f'git log {branch}')",
        "os.spawnlp(os.P_WAIT, 'sh', 'sh', '-c', x)",
    ],
)
def test_what_hands_a_text_to_a_shell_is_seen(source: str) -> None:
    assert list(_hands_over(ast.parse(source))) == [1]


@pytest.mark.parametrize(
    "source",
    ["run(['sh', '-c', f'git log {x}'])", "('/bin/bash', '-ec', x)", "execl('/bin/sh', '-c', x)"],
)
def test_a_shell_that_is_started_with_a_text_is_seen(source: str) -> None:
    assert list(_starts(ast.parse(source))) == [1]


def test_a_shell_with_a_text_that_is_a_constant_is_none_of_these() -> None:
    assert list(_starts(ast.parse("run(['sh', '-c', 'exit 3'])"))) == []


@pytest.mark.parametrize("source", ["x = f'#!/bin/sh\\n{y}'", "x = 'ssh h bash -c ' + y"])
def test_a_script_is_seen(source: str) -> None:
    assert list(_scripts(ast.parse(source))) == [1]


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
    assert all(len(reason) > 40 for reason in (*STARTED.values(), *WRITTEN.values()))
