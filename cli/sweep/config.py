"""What the files and options of a sweep ask for: one plan for each target.

Each `@FILE` is a YAML mapping of the options in `cli.sweep.options`, in Lorien's form or ours;
later files win, and `--set KEY=VALUE` wins over all. All that is wrong is told at once, and before
anything is submitted.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from cli.sweep import options
from cli.sweep.config_errors import ConfigError, Problem, Problems
from cli.sweep.config_files import gather
from cli.sweep.config_plan import STEERED_AT_ONCE, Direction, Plan, differences
from cli.sweep.config_points import Chosen, choose
from cli.sweep.config_yaml import Entry
from services.parser.sweeps import check_arguments
from shared.arguments import split
from shared.errors import Rejected
from shared.hydra import ArgumentError, shown
from shared.params import translate_params

__all__ = ["ConfigError", "Plan", "Problem", "differences", "read"]

# How the options' names become those of the plan.
_FIELDS = {
    "job_queue": "job_queue",
    "job_def": "job_def",
    "command": "command",
    "stage": "arguments",
    "concurrency": "concurrency",
    "retries": "retries",
    "time-limit": "time_limit_seconds",
    "budget": "budget_seconds",
    "tolerate": "tolerate_percent",
    "gpus": "gpus",
    "memory": "memory_mib",
    "vcpus": "vcpus",
    "inputs": "input_uri",
    "outputs": "output_dir",
    "commit-table-name": "commit_table",
    "commit-nbest": "nbest",
    "commit-log-to": "log_to",
    "repository": "repository",
    "ref": "ref",
    "seed": "seed",
}


def read(words: Sequence[str], sets: Sequence[str]) -> list[Plan]:
    """The plans that `@FILE` words and `KEY=VALUE` options ask for, one for each target.

    Raises:
        click.UsageError: a word or an option has another form.
        ConfigError: what they say cannot be; it tells all that is wrong, with file and line.

    """
    problems = Problems()
    said = gather(words, sets, problems)
    values = _values(said, problems)
    objective, direction = _objective(said, values, problems)
    chosen = choose(said, values, problems)
    _check(said, values, objective, problems)
    targets = _targets(said, problems)
    problems.raise_any()
    if chosen is None:  # a choice that was not made has said why
        message = "the sweep has no points"
        raise ConfigError(message)
    common: dict[str, Any] = {
        name: values[option] for option, name in _FIELDS.items() if option in values
    }
    if chosen.strategy == "bayes":
        common.setdefault("concurrency", STEERED_AT_ONCE)
    common["name"] = values.get("name") or _study(words)
    common["left_aside"] = tuple(sorted(filter(options.is_left_aside, said)))
    return [_plan(chosen, objective, direction, {**common, **target}) for target in targets]


def _values(said: dict[str, Entry], problems: Problems) -> dict[str, Any]:
    """The values of all options that were said."""
    values: dict[str, Any] = {}
    for option in options.OPTIONS:
        if option.name in said:
            entry = said[option.name]
            try:
                values[option.name] = option.read(entry.value)
            except Rejected as rejected:
                problems.note(entry.at, f"{option.name}: {rejected}")
    return values


def _objective(
    said: dict[str, Entry], values: dict[str, Any], problems: Problems
) -> tuple[str | None, Direction]:
    """The metric and its direction, which may stand before it."""
    direction = values.get("direction")
    words = str(values.get("objective") or "").split()
    if len(words) == 2:
        option = options.find("direction")
        try:
            before = option.read(words.pop(0)) if option else None
            if direction not in (None, before):
                message = f"objective says {before}, and direction says {direction}: keep one"
                problems.note(said["direction"].at, message)
            direction = before
        except Rejected as rejected:
            problems.note(said["objective"].at, f"objective: {rejected}")
    if len(words) > 1:
        what = f"objective: {shown(' '.join(words))} is no metric: write accuracy, or min log_loss"
        problems.note(said["objective"].at, what)
    return (words[0] if words else None), cast(Direction, direction or "maximize")


def _check(
    said: dict[str, Entry], values: dict[str, Any], objective: str | None, problems: Problems
) -> None:
    """What goes with what."""
    if "command" in values and "stage" in values:
        message = "stage is for dvc exp run, and command runs instead of it: keep one"
        problems.note(said["stage"].at, message)
    if "stage" in values:
        try:
            words = split(values["stage"])
            translate_params(words)
            check_arguments(words)
        except (ArgumentError, Rejected) as error:
            problems.note(said["stage"].at, f"stage: {error}")
    if objective is None:
        for name in ("direction", "commit-table-name"):
            if name in values:
                what = f"{name} needs an objective: write objective: max accuracy, say"
                problems.note(said[name].at, what)


def _targets(said: dict[str, Entry], problems: Problems) -> list[dict[str, Any]]:
    """What each target has of its own; one that has nothing if there are none."""
    if "batch" not in said:
        return [{}]
    entry = said["batch"]
    trees = entry.value if isinstance(entry.value, list) else [entry.value]
    found: list[dict[str, Any]] = []
    for tree in trees:
        if not isinstance(tree, dict) or not tree:
            what = "a target is a mapping: write batch: {target: cpu, job_queue: NAME}"
            problems.note(entry.at, what)
            continue
        target: dict[str, Any] = {}
        for option in options.TARGET_OPTIONS:
            if option.name in tree:
                one = tree[option.name]
                with problems.at(f"{one.at}: {option.name}"):
                    target[option.name] = option.read(one.value)
        found.append(target)
    names = [target.get("target") for target in found]
    for name in {name for name in names if names.count(name) > 1}:
        what = f"the target {name!r} stands twice" if name else "each of several targets has a name"
        problems.note(entry.at, what)
    return found


def _plan(
    chosen: Chosen, objective: str | None, direction: Direction, rest: dict[str, Any]
) -> Plan:
    return Plan(
        strategy=chosen.strategy,
        trials=chosen.trials,
        space=chosen.space,
        points=chosen.points,
        objective=objective,
        direction=direction,
        **rest,
    )


def _study(words: Sequence[str]) -> str:
    return Path(words[0][1:]).stem if words else "sweep"
