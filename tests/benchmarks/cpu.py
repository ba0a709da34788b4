"""CPU and calls of one push, handler by handler, against a bare script with the same calls."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.entry import Handler
from tests.benchmarks.account import Account
from tests.benchmarks.chain import EVERYTHING, NEWS, Recording, Step, Tape, check
from tests.benchmarks.network import Answer, answered
from tests.benchmarks.replay import Bare
from tests.benchmarks.services import AUTH, HOOK_SECRET, HOOK_UUID, HOOKS, built
from tests.benchmarks.tables import against, milliseconds, show
from tests.benchmarks.timing import Samples, cpu_in_turns, together

GOAL = 1.3
ROUNDS = 40
# A function's process does nothing else, so each takes its turn this many times in a row.
IN_A_ROW = 10
_WARM_UP = 3
SECRETS = {
    HOOKS: json.dumps({HOOK_UUID: {"secret": HOOK_SECRET, "repository": "acme/faulty-parts"}}),
    AUTH: json.dumps({"kind": "access_token", "token": "sample"}),
}
_SUBMIT = "one SubmitJob"


@dataclass(frozen=True)
class Pushes:
    """Pushes through the same handlers: the first, one after it, and one of which Batch says all.

    What the handlers keep for a minute (secrets, job definitions) only the first asks for.
    """

    first: Sequence[Step]
    warm: Sequence[Step]
    whole: Sequence[Step]

    def kept(self, service: str) -> Mapping[str, Sequence[Answer]]:
        """The answers that a service's handler asks for once a minute."""
        answers: dict[str, Sequence[Answer]] = {}
        for step in self.first:
            if step.service == service:
                answers |= step.answers
        return answers


def record(handlers: Mapping[str, Handler]) -> Pushes:
    """Send three commits through the handlers."""
    recording = Recording(handlers, Account(SECRETS))
    return Pushes(
        first=recording.push("1" * 40),
        warm=recording.push("2" * 40),
        whole=recording.push("3" * 40, EVERYTHING),
    )


def section() -> None:
    """Print both tables."""
    with built() as handlers:
        pushes = record(handlers)
        samples = _measure(handlers, pushes)
    _show_cpu(pushes.warm, samples)
    _show_calls(pushes)


def _measure(handlers: Mapping[str, Handler], pushes: Pushes) -> Samples:
    tape, bare = Tape(), Bare()
    things: dict[str, Callable[[], object]] = {}
    for step in pushes.warm:
        kept = pushes.kept(step.service)
        things[f"handler {step.name}"] = _handled(handlers[step.service], step, tape, kept)
        things[f"bare {step.name}"] = _replayed(bare, step, tape, kept)
        submit = [call for call in step.calls if call.operation == "SubmitJob"]
        if submit:
            alone = Step("one", "SubmitJob", {}, tuple(submit), step.answers)
            things[_SUBMIT] = _replayed(bare, alone, tape, {})
    with answered(tape.answer):
        cpu_in_turns(things, _WARM_UP, IN_A_ROW)
        return cpu_in_turns(things, ROUNDS, IN_A_ROW)


def _handled(
    handler: Handler, step: Step, tape: Tape, kept: Mapping[str, Sequence[Answer]]
) -> Callable[[], object]:
    def run() -> None:
        tape.insert(step, kept)
        check(handler(step.event, None))

    return run


def _replayed(
    bare: Bare, step: Step, tape: Tape, kept: Mapping[str, Sequence[Answer]]
) -> Callable[[], object]:
    script = bare.script(step.calls)

    def run() -> None:
        tape.insert(step, kept)
        script()

    return run


def _show_cpu(steps: Sequence[Step], samples: Samples) -> None:
    submit = together(samples, [_SUBMIT])
    groups: dict[str, list[Step]] = {}
    for step in steps:
        name = step.name if step.service == "monitor" else step.service
        groups.setdefault(name, []).append(step)
    groups["the whole chain"] = list(steps)
    rows = []
    for name, some in groups.items():
        ours = together(samples, [f"handler {step.name}" for step in some])
        theirs = together(samples, [f"bare {step.name}" for step in some])
        many = f"{name}, {len(some)} times" if name == "notifier" else name
        calls = sum(len(step.calls) for step in some)
        rows.append(
            (
                many,
                str(calls),
                milliseconds(ours),
                milliseconds(theirs),
                *against(ours / theirs, GOAL),
                f"{ours / submit:.1f}",
            )
        )
    rows.append((_SUBMIT, "1", "", milliseconds(submit), "", "", "1.0"))
    show(
        f"CPU per push (goal: at most {GOAL} of a bare script with the same calls)",
        ("", "calls", "handler ms", "bare ms", "ratio", "goal", "SubmitJobs"),
        rows,
        f"CPU time of one process: medians of {ROUNDS} rounds in turns, {IN_A_ROW} times in a row;"
        f" {' and '.join(NEWS)} are heard",
    )


def _show_calls(pushes: Pushes) -> None:
    submitted = next(i for i, step in enumerate(pushes.warm) if step.service == "monitor")
    counts = {
        "a push": _count(pushes.warm[:submitted]),
        "a run": _count(pushes.whole),
        "once a minute": _count(pushes.first) - _count(pushes.warm),
    }
    names = sorted(set().union(*counts.values()))
    rows = [(name, *(_number(count[name]) for count in counts.values())) for name in names]
    rows.append(("all", *(str(count.total()) for count in counts.values())))
    show(
        "Calls, counted",
        ("", *counts),
        rows,
        "a push: until its job is submitted and the status says so",
        f"a run: all of it, when Batch says {', '.join(EVERYTHING)}",
        "once a minute: more, for what is kept for a minute",
        "Lambda's own polling of the queues is not ours to count",
    )


def _count(steps: Sequence[Step]) -> Counter[str]:
    return Counter(f"{call.service} {call.operation}" for step in steps for call in step.calls)


def _number(count: int) -> str:
    return str(count) if count else "-"
