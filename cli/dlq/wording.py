"""Dead letters in words: for people, and for programs."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from cli.dlq.letters import About, Letter, about
from cli.dlq.redriving import Done, Outcome
from cli.dlq.routes import Back
from cli.shown import age, printable


def outcome_line(outcome: Outcome, stack: str) -> str:
    """One letter, and what became of it."""
    what = " ".join(_words(about(outcome.letter, stack))) or "no event of ours"
    return printable(f"{outcome.letter.id}  {what}  {_way(outcome)}")


def _way(outcome: Outcome) -> str:
    there = outcome.route
    return f"-> {there.name}" if isinstance(there, Back) else f"{outcome.done}: {there.why}"


def plan(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """How many letters go which way."""
    ways = Counter(_way(outcome) for outcome in outcomes)
    yield from (f"{number:>6}  {way}" for way, number in ways.most_common())


def total(outcomes: Sequence[Outcome]) -> str:
    """How many letters were sent, deleted and left."""
    done = Counter(outcome.done for outcome in outcomes)
    words: dict[Done, str] = {"sent": "sent back", "dropped": "deleted", "left": "left"}
    told = [f"{done[how]} {word}" for how, word in words.items() if how == "sent" or done[how]]
    return ", ".join(told)


def _words(what: About) -> list[str]:
    known = (what.event, what.repository, what.branch, (what.commit or "")[:12])
    run = [f"run {what.run_id}"] if what.run_id else []
    return [word for word in known if word] + run


def described(place: int, letter: Letter, stack: str, now: datetime) -> Iterator[str]:
    """All that is known of a letter, but its body."""
    what = about(letter, stack)
    sent = letter.sent_at
    facts = {
        "event": what.event or "none of ours",
        "run": what.run_id,
        "repository": what.repository,
        "branch": what.branch,
        "commit": what.commit,
        "sent": sent and f"{sent:%Y-%m-%d %H:%M:%S} UTC, {age(now - sent)} ago",
        "received": f"{letter.receives} time{'' if letter.receives == 1 else 's'}",
        **letter.told,
    }
    known = {name: fact for name, fact in facts.items() if fact}
    width = max(map(len, known))
    yield f"{place}. message {letter.id}"
    yield from (f"   {name:<{width}}  {printable(fact)}" for name, fact in known.items())


def indented_body(letter: Letter) -> Iterator[str]:
    """A letter's body as a person reads JSON."""
    text = json.dumps(letter.content(), indent=2, ensure_ascii=False)
    # Not splitlines: what it takes for a line's end may stand in a text, and is no newline here.
    yield from (f"   {printable(line)}" for line in text.split("\n"))


def as_json(letter: Letter, stack: str, *, bodies: bool) -> dict[str, Any]:
    """A letter for programs."""
    what = about(letter, stack)
    return {
        "id": letter.id,
        "sent_at": letter.sent_at and letter.sent_at.isoformat(),
        "receive_count": letter.receives,
        "event": what.event,
        "run_id": what.run_id,
        "repository": what.repository,
        "branch": what.branch,
        "commit": what.commit,
        "delivery": letter.told,
        **({"body": letter.content()} if bodies else {}),
    }
