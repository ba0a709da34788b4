"""Wall time of the job's program against the bare commands, on the example project."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.benchmarks import job_bare
from tests.benchmarks.job_bare import Command
from tests.benchmarks.job_place import JobFailedError, Spent, cpu, example, must
from tests.benchmarks.services import say
from tests.benchmarks.tables import against, show

GOAL = 1.15
ROUNDS = 7
_STEP = re.compile(r"^\[cloud-run\] (.+): done seconds=([0-9.]+)$", re.MULTILINE)
_WHOLE, _REPORT, _OUTSIDE = "all of it", "report", "outside of its steps"

Runs = tuple[list[Spent], list[Spent]]


@dataclass(frozen=True)
class Kind:
    """One way to run: its arguments as the bare commands and the program are given them."""

    name: str
    arguments: str
    experiment: bool


KINDS = (
    Kind("dvc repro", "", experiment=False),
    Kind("dvc exp run", "-S learning_rate=0.01", experiment=True),
)


def steps(log: str) -> dict[str, float]:
    """The seconds of each step of the program's that went well, in order, as its log tells them."""
    return {name: float(seconds) for name, seconds in _STEP.findall(log)}


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """The ratios of the rounds: their median, the least, the greatest."""
    found = [one / other for one, other in zip(ours, theirs, strict=True)]
    return median(found), min(found), max(found)


def section() -> None:
    """Print the tables."""
    say("  one run of each before, unmeasured")
    measured: dict[Kind, Runs] = {kind: ([], []) for kind in KINDS}
    for kind in KINDS:
        _program(kind)
        _bare(kind)
    for number in range(ROUNDS):
        say(f"  round {number + 1} of {ROUNDS}")
        for kind, (ours, theirs) in measured.items():
            if number % 2 == 0:
                ours.append(_program(kind))
                theirs.append(_bare(kind))
            else:
                theirs.append(_bare(kind))
                ours.append(_program(kind))
    _show_ratios(measured)
    _show_steps(measured)


def _program(kind: Kind) -> Spent:
    with example() as place:
        before = cpu()
        job = place.site.start(kind.arguments, experiment=kind.experiment)
        began = time.perf_counter()  # the file of the program is made by now
        must(job, place.root / "log")
        whole, spent = time.perf_counter() - began, cpu() - before
        log = (place.root / "log").read_text(encoding="utf-8")
    told = steps(log)
    if _REPORT not in told:
        message = f"the report was not published:\n{log}"
        raise JobFailedError(message)
    wall = {**told, _OUTSIDE: whole - sum(told.values()), _WHOLE: whole}
    return Spent(wall, {_WHOLE: spent})


def _bare(kind: Kind) -> Spent:
    with example() as place:
        spent = job_bare.run(place, _commands(kind, place.git_url, place.site.head))
    wall, used = spent.wall, spent.cpu
    return Spent(
        {**wall, _WHOLE: sum(wall.values())},
        {**used, _WHOLE: sum(used.values())},
    )


def _commands(kind: Kind, git_url: str = "", commit: str = "") -> list[Command]:
    return job_bare.commands(git_url, commit, kind.arguments, experiment=kind.experiment)


def _show_ratios(measured: Mapping[Kind, Runs]) -> None:
    rows = []
    for kind, (ours, theirs) in measured.items():
        report = [command.name for command in _commands(kind) if command.report]
        whole = [run.wall[_WHOLE] for run in ours]
        unseen = [run.wall[_WHOLE] - run.wall[_REPORT] for run in ours]
        full = [run.wall[_WHOLE] for run in theirs]
        strict = [_without(run.wall, report) for run in theirs]
        work = [run.cpu[_WHOLE] for run in ours]
        for name, program, bare, cpus in (
            (
                "whole job / clone, dvc, push",
                whole,
                strict,
                [_without(r.cpu, report) for r in theirs],
            ),
            (
                "whole job / the same and the report's commands",
                whole,
                full,
                [r.cpu[_WHOLE] for r in theirs],
            ),
            ("job without its report / clone, dvc, push", unseen, strict, []),
        ):
            middle, least, greatest = ratios(program, bare)
            rows.append(
                (
                    f"{kind.name}: {name}",
                    f"{median(program):.2f}",
                    f"{median(bare):.2f}",
                    *against(middle, GOAL),
                    f"{least:.2f}-{greatest:.2f}",
                    f"{ratios(work, cpus)[0]:.2f}" if cpus else "",
                )
            )
    show(
        f"Wall time of a job (goal: at most {GOAL} of the bare commands)",
        ("", "program s", "bare s", "ratio", "goal", "from-to", "CPU ratio"),
        rows,
        f"medians of {ROUNDS} rounds in turns; a ratio is the median of the rounds' own",
        "each on a new clone, cache, remote and Bitbucket; git over HTTP on loopback",
    )


def _without(seconds: Mapping[str, float], names: Sequence[str]) -> float:
    return seconds[_WHOLE] - sum(seconds[name] for name in names)


def _show_steps(measured: Mapping[Kind, Runs]) -> None:
    for kind, sides in measured.items():
        rows = []
        for side, runs in zip(("program", "bare"), sides, strict=True):
            names = dict.fromkeys(name for run in runs for name in run.wall)
            for name in names:
                some = [run.wall.get(name, 0.0) for run in runs]
                spread = f"{min(some):.2f}-{max(some):.2f}"
                rows.append((f"{side}: {name}", f"{median(some):.2f}", spread))
        show(f"Where the time goes: {kind.name}", ("", "median s", "from-to"), rows)
