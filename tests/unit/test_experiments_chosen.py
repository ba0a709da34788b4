"""Which runs are an experiment's, and what a list says of them."""

from datetime import timedelta
from functools import partial

from cli.experiments.listing import listing
from cli.experiments.queued import Queued
from cli.experiments.sent import Sent, as_sent, chosen, request_id
from cli.experiments.workspaces import dependencies
from shared.events import Asked, Changes, RunId
from shared.runs import request_run_id
from tests.samples import NAMES, NOW, REPOSITORY, a_run

BASE, OTHER = "a" * 40, "b" * 40
CHANGES = Changes(ref="refs/cloud-run/queue/1", commit="c" * 40)


def a_sent(name: str, *, baseline: str = BASE, run_id: str = "1", minutes: int = 0) -> Sent:
    asked = Asked(arguments=f"--name {name} train", experiment=True, changes=CHANGES)
    run = a_run(run_id=RunId(run_id), state="succeeded", commit=baseline, asked=asked)
    found = as_sent(run.changed(created_at=NOW + timedelta(minutes=minutes)))
    assert found is not None
    return found


def test_a_run_without_changes_or_a_name_is_no_queued_experiment() -> None:
    named = Asked(arguments="--name x", experiment=True)
    nameless = Asked(arguments="train", experiment=True, changes=CHANGES)

    assert as_sent(a_run(asked=named)) is None
    assert as_sent(a_run(asked=nameless)) is None
    assert a_sent("x").ref == f"refs/exps/aa/{'a' * 38}/x"


def test_of_two_with_one_name_on_one_commit_the_newest_counts() -> None:
    old, new = a_sent("x", run_id="1"), a_sent("x", run_id="2", minutes=1)
    elsewhere = a_sent("x", run_id="3", baseline=OTHER, minutes=2)
    found = [old, new, elsewhere]

    assert chosen(found, (), {BASE}) == [new]
    assert chosen(found, (), None) == [new, elsewhere]
    assert chosen(found, ["x"], {BASE}) == [new, elsewhere]
    assert chosen(found, ["3"], {BASE}) == [elsewhere]
    assert chosen(found, ["y"], None) == []


def test_an_experiment_that_was_queued_again_under_its_name_is_another() -> None:
    known_by = partial(request_run_id, NAMES.stack)
    first = Queued("x", "1" * 40, BASE)
    again = Queued("x", "2" * 40, BASE)
    run = a_sent("x", run_id=known_by(request_id(REPOSITORY.uuid, first)))
    told = {
        stash.stash[0]: [(row.queued, row.sent is not None, row.here) for row in rows]
        for stash, rows in (
            (first, listing([first], [run], {run.ref}, known_by)),
            (again, listing([again], [run], (), known_by)),
        )
    }

    assert told == {"1": [(True, True, True)], "2": [(True, False, False), (False, True, False)]}


def test_who_asks_for_it_twice_asks_for_one_run_and_another_stash_is_another() -> None:
    one = Queued("x", "1" * 40, BASE)
    ids = {
        request_id("{u}", one),
        request_id("{u}", Queued("x", "1" * 40, BASE, message="told elsewhere")),
        request_id("{u}", Queued("x", "2" * 40, BASE)),
        request_id("{u}", Queued("x", "1" * 40, OTHER)),
        request_id("{v}", one),
    }

    assert len(ids) == 4


def test_dependencies_are_told_from_stages_of_every_form() -> None:
    pipeline = b"""
stages:
  plain: {cmd: x, deps: [a.py, data/raw], params: [rate, conf.yaml: [x]]}
  many: {foreach: [1], do: {cmd: x, deps: ["${item}.py", b.py], wdir: sub}}
  odd: nothing
"""

    assert list(dependencies(pipeline, "")) == ["a.py", "data/raw", "conf.yaml", "sub/b.py"]
    assert next(iter(dependencies(pipeline, "p"))) == "p/a.py"
    for wrong in (b"", b"[", b"stages: 3", b"- a", b"\x00"):
        assert list(dependencies(wrong, "")) == []
