"""What the help of each action says, and how it is typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cli.remote.options import Action


@dataclass(frozen=True)
class Text:
    """The help of an action's command: `says` begins with a sentence, `typed` are its examples."""

    says: str
    typed: Sequence[str]


MORE: Final = (
    "THEN... are further actions, which are done in their order: create, tag, start, setup, "
    "experiment, stop, terminate. ARGS go to the module, or to DVC."
)
TEXTS: Final[Mapping[Action, Text]] = {
    Action.CREATE: Text(
        """Make a machine, which ends itself, and go on with further actions on it.

        It is made when it can be reached and its watchdog lives. If that does not come about, what
        was made is terminated; the exit code is 4 if it may not have been.
        """,
        (
            "cloud-runner remote create --launchspec launchSpecification.json",
            "cloud-runner remote create setup experiment --launchspec gpu.json \\",
            "    --git my-team/churn --branch main --docker --notify https://hooks.example.com/x",
        ),
    ),
    Action.TAG: Text(
        "Tag a machine.",
        ("cloud-runner remote tag --instance i-0123456789abcdef0 --tags Project=churn,Stage=try",),
    ),
    Action.START: Text(
        """Start a machine that is stopped, and its watchdog anew.

        One that runs gets the terms of this call. While an experiment runs there, nothing but a
        later end can be set, by --max-hours.
        """,
        (
            "cloud-runner remote start --instance gpu-study --max-hours 6",
            "cloud-runner remote start setup experiment --instance gpu-study --module train.main",
        ),
    ),
    Action.SETUP: Text(
        "Make ready what an experiment needs: the image, the repository, the program.",
        ("cloud-runner remote setup --instance gpu-study --docker --git my-team/churn",),
    ),
    Action.EXPERIMENT: Text(
        """Run an experiment on a machine, watch it, and see the machine end.

        It is a run like any other, which `runs list`, `runs show` and `runs logs` know. Log and
        results are stored as NAME.tar.gz whether it succeeds or not. Ctrl-C ends the watching
        alone. The exit code is 3 if it did not succeed.
        """,
        (
            "cloud-runner remote setup experiment --instance gpu-study --module train.main \\",
            "    --results-path metrics.json:plots --afterwards stop -- --epochs 20",
            "cloud-runner remote setup --instance gpu-study --git my-team/churn",
            "cloud-runner remote experiment --instance gpu-study --git my-team/churn --detach",
        ),
    ),
    Action.STOP: Text(
        "Stop a machine, which can be started again.",
        ("cloud-runner remote stop --instance gpu-study",),
    ),
    Action.TERMINATE: Text(
        "Terminate a machine for good, or end all that should have ended.",
        (
            "cloud-runner remote terminate --instance i-0123456789abcdef0 --yes",
            "cloud-runner remote terminate --stale",
        ),
    ),
}
