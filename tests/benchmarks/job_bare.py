"""The bare commands: what somebody types at a prompt to get what a job's program delivers."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.job_place import Place, Spent, cpu, must, start
from tests.integration.job_site import JOB_ENVIRONMENT

EXPERIMENT, BRANCH = "bare", "experiment/bare"
# Draws what `dvc plots diff --json` has said.
_DRAW = """
import json, pathlib, vl_convert
for parts in json.loads(pathlib.Path("../dvc plots diff").read_text())["data"].values():
    for part in parts:
        picture = vl_convert.vegalite_to_png(part["content"], scale=2, allowed_base_urls=[])
        pathlib.Path("../plot.png").write_bytes(picture)
"""


@dataclass(frozen=True)
class Command:
    """One command. `report`: the results are safe without it, and nobody has seen them."""

    name: str
    words: Sequence[str]
    report: bool = False


def commands(git_url: str, commit: str, arguments: str, *, experiment: bool) -> list[Command]:
    """From the clone to the report of `dvc repro ARGUMENTS` or `dvc exp run ARGUMENTS`.

    The first runs beside the clone `project`, all others in it.
    """
    pull = ["--pull", "--allow-missing", *arguments.split()]
    if experiment:
        head = BRANCH
        run = ["dvc", "exp", "run", "--name", EXPERIMENT, *pull]
        deliver = [
            Command("dvc exp branch", ["dvc", "exp", "branch", EXPERIMENT, BRANCH]),
            Command("git push", ["git", "push", "--quiet", "origin", BRANCH]),
            Command("dvc exp push", ["dvc", "exp", "push", "--no-cache", "origin", EXPERIMENT]),
        ]
    else:
        head = "main"
        run = ["dvc", "repro", *pull]
        deliver = [
            Command("git commit", ["git", "commit", "--quiet", "--all", "--message", "Results"]),
            Command("git push", ["git", "push", "--quiet", "origin", "main"]),
        ]
    differ = [
        Command(f"dvc {what} diff", ["dvc", what, "diff", "--json", commit, head], report=True)
        for what in ("metrics", "params", "plots")
    ]
    return [
        Command("git clone", ["git", "clone", "--quiet", git_url, "project"]),
        Command("git checkout", ["git", "checkout", "--quiet", "-B", "main", commit]),
        Command(" ".join(run[: 3 if experiment else 2]), run),
        Command("dvc push", ["dvc", "push", "--run-cache"]),
        *deliver,
        *differ,
        Command("draw the plots", ["python", "-c", _DRAW], report=True),
    ]


def run(place: Place, some: Sequence[Command]) -> Spent:
    """Run them one after the other; the seconds of each.

    Raises:
        JobFailedError: one of them failed.
    """
    here = place.root / "bare"
    here.mkdir()
    around = environment(place.root)
    wall, spent = {}, {}
    for command in some:
        clone = here if command.words[1] == "clone" else here / "project"
        said = here / command.name  # what `dvc plots diff` says is read later
        before, began = cpu(), time.perf_counter()
        must(start(command.words, clone, around, said), said)
        wall[command.name] = time.perf_counter() - began
        spent[command.name] = cpu() - before
    return Spent(wall, spent)


def environment(root: Path) -> Mapping[str, str]:
    """What the job finds, and somebody's identity. DVC keeps nothing outside of this folder."""
    return {
        "PATH": f"{JOB_ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
        "HOME": str(root),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Someone",
        "GIT_AUTHOR_EMAIL": "someone@localhost",
        "GIT_COMMITTER_NAME": "Someone",
        "GIT_COMMITTER_EMAIL": "someone@localhost",
        "CI": "1",  # DVC asks for no newer version
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(root / "dvc-site"),
    }
