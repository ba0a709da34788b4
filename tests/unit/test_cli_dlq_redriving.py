"""The order of work of a redrive, and that it ends."""

from collections.abc import Sequence
from typing import Any

import pytest

from cli.dlq.letters import Letter
from cli.dlq.queues import DeadLetterQueue
from cli.dlq.redriving import redrive
from cli.dlq.routes import Back, Nowhere, Route
from tests.fakes import Crash

SOURCE = Back("source", "url")


class Queue(DeadLetterQueue):
    """A queue in memory; `dies_again`: what is sent comes back under its new id at once."""

    def __init__(self, *ids: str, dies_again: bool = False) -> None:
        self.there = {one: Letter(id=one, receipt=one, body=f"body of {one}") for one in ids}
        self.held: set[str] = set()
        self.log: list[tuple[str, str]] = []
        self.dies_again = dies_again
        self.crash_at: tuple[str, str] | None = None

    def take(self, hold_seconds: int) -> list[Letter]:
        taken = [letter for one, letter in self.there.items() if one not in self.held][:10]
        self.held.update(letter.id for letter in taken)
        return taken

    def give_back(self, letters: Sequence[Letter]) -> None:
        self.held.difference_update(letter.id for letter in letters)

    def send(self, url: str, letter: Letter) -> str:
        self._do("send", letter)
        again = f"{letter.id}+"
        if self.dies_again:
            self.there[again] = Letter(id=again, receipt=again, body=letter.body)
        return again

    def delete(self, letter: Letter) -> None:
        self._do("delete", letter)
        del self.there[letter.id]

    def _do(self, what: str, letter: Letter) -> None:
        if self.crash_at == (what, letter.id):
            raise Crash
        self.log.append((what, letter.id))


def to_source(_letter: Letter) -> Route:
    return SOURCE


def done(queue: Queue, **choices: Any) -> list[tuple[str, str]]:
    choices = {"most": 1000} | choices
    return [(one.letter.id, one.done) for one in redrive(queue, to_source, **choices)]


def test_a_letter_is_sent_before_it_is_deleted() -> None:
    queue = Queue("a", "b")
    done(queue)

    assert queue.log == [("send", "a"), ("delete", "a"), ("send", "b"), ("delete", "b")]


@pytest.mark.parametrize("where", ["send", "delete"])
def test_a_crash_leaves_the_letter_in_the_queue_and_gives_back_what_was_held(where: str) -> None:
    queue = Queue("a", "b", "c")
    queue.crash_at = (where, "b")

    with pytest.raises(Crash):
        done(queue)
    assert list(queue.there) == ["b", "c"]
    assert queue.held - {"a"} == set()


def test_letters_that_die_again_while_it_runs_are_not_sent_twice() -> None:
    queue = Queue(*map(str, range(25)), dies_again=True)

    assert len(done(queue)) == 25
    assert len(queue.there) == 25


def test_a_letter_that_sqs_hands_over_twice_at_once_is_sent_once() -> None:
    class Twice(Queue):
        def take(self, hold_seconds: int) -> list[Letter]:
            taken = super().take(hold_seconds)
            return [*taken, *taken[:1]]

    queue = Twice("a", "b")

    assert done(queue) == [("a", "sent"), ("b", "sent")]
    assert not queue.there


def test_no_more_are_moved_than_were_there_at_the_start() -> None:
    queue = Queue(*map(str, range(25)))

    assert len(done(queue, most=12)) == 12
    assert len(queue.there) == 13
    assert len(queue.held & queue.there.keys()) == 0


def test_only_the_letters_that_are_named_are_moved() -> None:
    queue = Queue(*map(str, range(25)))

    assert done(queue, only={"3", "17", "gone"}) == [("3", "sent"), ("17", "sent")]
    assert len(queue.there) == 23
    assert len(queue.held & queue.there.keys()) == 0


def test_a_pass_ends_with_the_last_letter_that_is_named() -> None:
    queue = Queue(*map(str, range(100)))
    done(queue, only={"3"})

    assert queue.log == [("send", "3"), ("delete", "3")]


def test_a_dry_run_changes_nothing() -> None:
    queue = Queue("a", "b")

    assert done(queue, dry_run=True) == [("a", "sent"), ("b", "sent")]
    assert queue.log == []
    assert queue.held == set()


@pytest.mark.parametrize(
    ("drop", "left", "outcome"), [(False, ["a"], "left"), (True, [], "dropped")]
)
def test_what_goes_nowhere_stays_unless_it_is_dropped(
    drop: bool, left: list[str], outcome: str
) -> None:
    queue = Queue("a")
    outcomes = list(redrive(queue, lambda _: Nowhere("why"), most=10, drop=drop))

    assert [one.done for one in outcomes] == [outcome]
    assert list(queue.there) == left
    assert ("send", "a") not in queue.log


def test_a_dry_run_drops_nothing() -> None:
    queue = Queue("a")
    list(redrive(queue, lambda _: Nowhere("why"), most=10, drop=True, dry_run=True))

    assert list(queue.there) == ["a"]
