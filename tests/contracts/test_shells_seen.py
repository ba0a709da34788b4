"""Whatever way a shell is started or a script made, the look at the sources sees it."""

import ast

import pytest

from tests.contracts.shells import hands_over, scripts, starts


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
