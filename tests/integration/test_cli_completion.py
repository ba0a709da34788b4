"""The lines of docs/commands.md that teach a shell what the Tab key completes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.markdown import fences

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
SETUP = fences(PAGE.split("\n## Completion\n", 1)[1], "sh")[0]
BASH, ZSH, FISH = (line.split(" >")[0] for line in SETUP.splitlines())
SECONDS = 300


def bash(script: str) -> str:
    """What bash prints; the command that this Python has comes first."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-euc", script],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def completed(typed: str) -> set[str]:
    """What bash would offer after `typed`, by the function that the line of the docs defines."""
    words = typed.split(" ")
    given = " ".join(f"'{word}'" for word in words)
    return set(
        bash(
            f'eval "$({BASH})"\n'
            f"COMP_WORDS=({given})\nCOMP_CWORD={len(words) - 1}\n"
            'function=$(complete -p cloud-runner | sed "s/.*-F \\([^ ]*\\).*/\\1/")\n'
            '$function cloud-runner\nprintf "%s\\n" "${COMPREPLY[@]}"'
        ).split()
    )


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash on this machine")
def test_bash_completes_commands_options_and_choices() -> None:
    assert {"demo", "deploy", "dlq"} <= completed("cloud-runner d")
    assert {"list", "redrive", "show"} == completed("cloud-runner dlq ")
    assert "--limit" in completed("cloud-runner dlq show --l")
    assert {"pushes"} == completed("cloud-runner dlq show p")
    assert {"production"} == completed("cloud-runner dlq list -e p")


def test_zsh_and_fish_are_given_a_script_of_their_own() -> None:
    assert bash(ZSH).startswith("#compdef cloud-runner")
    assert "complete --no-files --command cloud-runner" in bash(FISH)
