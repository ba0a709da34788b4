"""What others have written, in records and logs: on a terminal it is text and does nothing."""

import io

import pytest
from rich.console import Console

from shared.events import Asked, Person, Sweep
from shared.runs import Blocked, Run, Stop
from tests.integration.runs_account import STREAM, RunsAccount
from tests.samples import NOW, a_job, minutes

# Clears the screen, sets the title, writes to the clipboard, goes back over what is there, and
# turns the direction of writing; then a line as the command itself would write it.
WILD = "x\x1b[2J\x1b]0;title\x07\x1b]52;c;cm0gLXJmIH4=\x07\x9b1A\r\b\u202e\nError: forged"
FORGED = "Error: forged"


def a_wild_run(stack: RunsAccount, name: str = "wild", **changes: object) -> Run:
    job = a_job(job_id="job-1").model_copy(update={"log_stream": STREAM, "queue": WILD})
    wild: dict[str, object] = {
        "state": "failed",
        "reason": WILD,
        "branch": WILD,
        "asked": Asked(arguments=WILD),
        "pushed_by": Person(id="{x}", name=WILD),
        "job": job,
        "stop": Stop(by=WILD, why=WILD, attempt=1, at=NOW),
        "blocked": Blocked(reason=WILD, since=NOW, shown=True),
        "stopped_at": NOW + minutes(3),
    }
    return stack.keep(name, **{**wild, **changes})


def harmless(shown: str) -> bool:
    """Whether a terminal would obey nothing of it, and no line of it was forged."""
    seen = "".join(shown.split("\n"))
    return seen.isprintable() and not any(line.startswith(FORGED) for line in shown.splitlines())


@pytest.mark.parametrize("words", [("list",), ("show", "RUN"), ("watch", "RUN"), ("logs", "RUN")])
def test_a_record_full_of_traps_is_shown_as_text(
    stack: RunsAccount, words: tuple[str, ...]
) -> None:
    run = a_wild_run(stack)
    stack.say(WILD.replace("\n", " ").replace("\r", ""), "\x1b[31mred\x1b[0m")
    typed = [run.run_id if word == "RUN" else word for word in words]

    said = stack.type(*typed, code=3 if words[0] == "watch" else 0)
    assert "x\\x1b[2J" in said.stdout
    assert harmless(said.stdout)


def test_programs_are_given_it_as_json_escapes_it(stack: RunsAccount) -> None:
    run = a_wild_run(stack)

    for words in (("list", "--json"), ("show", run.run_id, "--json")):
        assert harmless(stack.type(*words).stdout)


def test_the_reason_of_a_run_that_is_watched_on_a_terminal_is_text(
    stack: RunsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=200, highlight=False)
    monkeypatch.setattr("cli.runs.watching.console", terminal)
    run_id = stack.running("one", branch=WILD, asked=Asked(arguments=WILD)).run_id
    stack.meanwhile = [
        lambda: stack.move(run_id, state="failed", reason=WILD, stopped_at=NOW + minutes(4)),
    ]
    stack.type("watch", code=3)
    shown = screen.getvalue()

    assert "failed after 2 min: x\\x1b[2J" in shown
    for trap in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\b", "\u202e", f"\n{FORGED}"):
        assert trap not in shown


def test_what_cannot_be_done_to_a_wild_run_is_said_as_text(stack: RunsAccount) -> None:
    machineless = a_wild_run(stack, state="rejected", job=None)
    sweep = a_wild_run(stack, "sweep", asked=Asked(sweep=Sweep(sweep_id="s", size=9, space=WILD)))

    for words in (("stop", machineless.run_id), ("rerun", machineless.run_id)):
        said = stack.type(*words, code=1)
        assert harmless(said.output), said.output
    assert "x\\x1b[2J" in stack.type("list").stdout
    assert harmless(stack.type("show", sweep.run_id).stdout)
