"""Every key that the files of a sweep may hold: its name, what it takes, what it means.

One table, which the documentation is tested against. `-` and `_` are the same in a key. Keys of
`batch` may be written with a dot (`batch.target`), as on Lorien's command line.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from cli.sweep import options_values as values
from cli.sweep.config_yaml import Tree

_DIRECTIONS = {
    **dict.fromkeys(("max", "maximize", "maximise"), "maximize"),
    **dict.fromkeys(("min", "minimize", "minimise"), "minimize"),
}
_STRATEGIES = {
    **dict.fromkeys(("grid", "gridsearch"), "grid"),
    "list": "list",
    "random": "random",
    **dict.fromkeys(("bayes", "bayesian", "tpe"), "bayes"),
}


@dataclass(frozen=True)
class Option:
    """A key: `read` makes its value, or raises `Rejected`; `other` are its further names."""

    name: str
    takes: str
    meaning: str
    read: Callable[[Tree], object] = values.as_it_is
    other: tuple[str, ...] = ()


# The keys of `batch`, the same in each of its mappings.
TARGET_OPTIONS = (
    Option("target", "text", "What the points are judged for, such as a machine.", values.text),
    Option("job_queue", "name or ARN", "The job queue of its points.", values.job_queue),
    Option("job_def", "NAME[:REVISION]", "The job definition.", values.job_definition),
)

OPTIONS = (
    Option("batch", "mapping or list", "The targets, each with its queue.", other=("targets",)),
    *TARGET_OPTIONS[1:],
    Option("command", "text", "What each point runs instead of DVC.", values.text),
    Option("stage", "text", "Arguments of `dvc exp run`.", values.text, ("arguments",)),
    Option("space", "mapping or text", "The parameters, and what each may be."),
    Option("points", "list", "The points themselves, each a mapping."),
    Option("points-file", "path", "A file of points, CSV or JSON lines.", values.text),
    Option("workload", "list of texts", "Lorien's: one more parameter, `workload`."),
    Option(
        "tuner",
        "grid, list, random or bayes",
        "How points are chosen. Default: grid, or list for points.",
        values.choice(_STRATEGIES),
        ("strategy",),
    ),
    Option(
        "ntrial",
        "number",
        "How many points to try, random and bayes only.",
        values.whole(1, 10**18),
        ("trials",),
    ),
    Option("objective", "[min|max] METRIC", "The metric by which points are judged.", values.text),
    Option("direction", "maximize or minimize", "Which is better.", values.choice(_DIRECTIONS)),
    Option(
        "concurrency",
        "number",
        "How many points may run at once. Default: all, or 10 for bayes.",
        values.whole(1, 10_000),
    ),
    Option("retries", "number", "How often a failed point is tried again.", values.whole(0, 9)),
    Option("time-limit", "time, as 90m", "How long one try may take.", values.span(60)),
    Option(
        "budget",
        "time, as 20h",
        "Machine time of all points together; no more are sent once it is spent. Needs a "
        "`concurrency`: without one all points are sent at once.",
        values.span(1),
    ),
    Option(
        "tolerate",
        "percent, as 5%",
        "How many points may fail without the sweep having failed.",
        values.percent,
    ),
    Option("gpus", "number", "GPUs of a point.", values.whole(0, 64)),
    Option("memory", "MiB", "Memory of a point.", values.memory, ("memory-mib",)),
    Option("vcpus", "number", "vCPUs of a point.", values.whole(1, 1024)),
    Option(
        "inputs",
        "s3://…",
        "What each point finds in its input folder.",
        values.s3_uri,
        ("input-uri",),
    ),
    Option("outputs", "folder", "What each point leaves in S3.", values.folder, ("output-dir",)),
    Option("commit-table-name", "table", "Where the best results go.", values.table),
    Option("commit-nbest", "number", "How many of them, 3 by default.", values.whole(1, 100)),
    Option("commit-log-to", "s3://…", "Where complete logs go.", values.s3_prefix),
    Option("name", "text", "The study; default: the first file's name.", values.text),
    Option("repository", "workspace/slug", "The project.", values.full_name),
    Option("ref", "branch, tag or commit", "What of it runs.", values.text),
    Option("seed", "number", "Makes random choices repeatable; 0.", values.whole(0, 2**32 - 1)),
)

# What Lorien's files hold as well, for its own measuring and its own storage. It is left aside.
LEFT_ASIDE = ("commit-workload", "db", "job-bucket", "min", "repeat", "test")


def _spelled(key: str) -> str:
    return key.strip().lower().replace("_", "-")


def _by_spelling(options: tuple[Option, ...]) -> dict[str, Option]:
    return {_spelled(name): option for option in options for name in (option.name, *option.other)}


_KNOWN = _by_spelling(OPTIONS)
_KNOWN_OF_TARGETS = _by_spelling(TARGET_OPTIONS)


def find(key: str, *, of_target: bool = False) -> Option | None:
    """The option that a key names.

    >>> find("commit_nbest").name, find("trials").name, find("job-queue", of_target=True).name
    ('commit-nbest', 'ntrial', 'job_queue')
    """
    return (_KNOWN_OF_TARGETS if of_target else _KNOWN).get(_spelled(key))


def is_left_aside(key: str) -> bool:
    """Whether a key means something to Lorien only."""
    return _spelled(key) in LEFT_ASIDE


def unknown(key: str, *, of_target: bool = False) -> str:
    """What is said of a key that nobody knows.

    >>> unknown("ntrail")
    "unknown key 'ntrail': write ntrial"
    """
    known = _KNOWN_OF_TARGETS if of_target else _KNOWN
    near = difflib.get_close_matches(_spelled(key[:60]), known, n=1, cutoff=0)[0]
    # A key is shown as the table has it: job_queue, but commit-nbest.
    name = near if near in known[near].other else known[near].name
    return f"unknown key {key[:60]!r}: write {name}"
