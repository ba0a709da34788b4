"""Each event is one class, one detail-type, one sample, one queue or rule, one row in the docs."""

import ast
import json
from typing import Any

import jsonschema
import pytest

from cli.schemas import classes, schema
from shared.events import SOURCE, Envelope, Event, Job, enclose
from shared.names import Names
from shared.runs import commit_run_id
from tests.contracts.aws_calls import published_to_queues, publishes_facts
from tests.contracts.markdown import code, table
from tests.contracts.sources import modules
from tests.contracts.wiring import (
    PROJECT,
    RESOURCES,
    functions,
    points_to,
    properties,
    queue_name,
    rules,
    rules_of_our_bus,
    working_queues,
)

SAMPLES = PROJECT / "events/samples"
BY_NAME = {event.detail_type(): event for event in classes()}
ARCHITECTURE = (PROJECT / "docs/architecture.md").read_text(encoding="utf-8")
BUS = "event bus"
# What runs on a machine of one's own, as the docs call it where a service would stand.
MACHINE = "machine"
# Everything that EventBridge puts around an event: user guide, "AWS service event metadata".
BUS_ENVELOPE = {
    *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
}


def _sample(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return read


def _sent_by_machines() -> set[str]:
    """The events that the program on a machine makes; it has no classes, but their names."""
    words = {
        node.value
        for one in modules("container")
        if one.name.startswith("container.agent")
        for node in ast.walk(one.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return words & set(BY_NAME)


def _queues() -> dict[str, set[str]]:
    """The queues that each event is sent to, from the code's settings through the template."""
    machines_queue = str(points_to(properties("Remote")["Parameters"]["BatchEventsQueueArn"]))
    found: dict[str, set[str]] = {event: {machines_queue} for event in _sent_by_machines()}
    for function in functions():
        for event, setting in published_to_queues(function.service).items():
            queue = points_to(function.environment[setting.upper()])
            assert queue is not None
            found.setdefault(event, set()).add(queue)
    return found


def _detail_types_on_the_bus() -> set[str]:
    return {
        kind for rule in rules_of_our_bus().values() for kind in rule["EventPattern"]["detail-type"]
    }


def _senders(event: str) -> set[str]:
    services = {function.service for function in functions()}
    if event in _queues():
        machine = {MACHINE} if event in _sent_by_machines() else set()
        return machine | {one for one in services if event in published_to_queues(one)}
    return {service for service in services if publishes_facts(service)}


def _readers(queues: set[str]) -> set[str]:
    return {function.service for function in functions() if function.queue in queues}


def _fed_by_rules(name: str) -> set[str]:
    return {
        str(points_to(target["Arn"]))
        for rule in rules().values()
        if name in rule.get("EventPattern", {}).get("detail-type", [])
        for target in rule["Targets"]
    }


def test_each_event_has_a_sample_and_each_sample_an_event() -> None:
    assert {file.stem for file in SAMPLES.glob("*.json")} == set(BY_NAME)


def test_an_event_is_derived_from_event_alone() -> None:
    assert all(event.__bases__ == (Event,) for event in BY_NAME.values())
    assert all(not event.__subclasses__() for event in BY_NAME.values())


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_sample_is_the_event_as_it_is_sent(name: str) -> None:
    sample = _sample(name)
    event = BY_NAME[name].model_validate(sample["detail"])

    assert (sample["detail-type"], sample["source"]) == (name, SOURCE)
    assert json.loads(event.detail()) == sample["detail"]
    if name in _queues():
        assert json.loads(enclose(event)) == sample
    else:
        assert set(sample) == BUS_ENVELOPE


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_sample_fits_its_schema_and_shows_every_field(name: str) -> None:
    detail = _sample(name)["detail"]
    described = schema(BY_NAME[name])

    jsonschema.Draft202012Validator.check_schema(described)
    jsonschema.Draft202012Validator(described).validate(detail)
    # A run that is no sweep has no progress, one that has a job no machine, and a repository that
    # was not renamed no name of before.
    known = set(detail) | {"progress", "machine", "known_as"}
    assert known >= set(described["properties"]) >= set(detail)


def test_what_a_machine_says_is_of_itself_alone() -> None:
    assert _sent_by_machines() == {"MachineReported"}


def test_the_samples_tell_of_one_run() -> None:
    pushed, changed = _sample("CommitPushed")["detail"], _sample("RunStateChanged")["detail"]
    names = Names("acme", "development")
    repository, branch, commit = (pushed[name] for name in ("repository", "branch", "commit"))
    run_id = commit_run_id(names.stack, repository["uuid"], branch, commit)
    job = Job.model_validate(changed["job"])

    assert {_sample(name)["detail"].get("run_id", run_id) for name in BY_NAME} == {run_id}
    assert job.name == names.job("faulty-parts", changed["commit"], run_id, changed["attempt"])
    assert job.definition == names.job_definition("faulty-parts")
    assert _sample("JobDescribed")["detail"]["job_id"] == job.id


def test_each_event_travels_on_queues_or_on_the_bus() -> None:
    on_queues = set(_queues())

    assert not on_queues & _detail_types_on_the_bus()
    assert on_queues | _detail_types_on_the_bus() == set(BY_NAME)


def test_our_buss_rules_take_nothing_but_our_events() -> None:
    for rule in rules_of_our_bus().values():
        assert points_to(rule["EventBusName"]) == "EventBus"
        assert rule["EventPattern"]["source"] == [SOURCE]
        assert set(rule["EventPattern"]["detail-type"]) <= set(BY_NAME)


def test_each_working_queue_is_fed_and_read_once() -> None:
    sent = {queue for queues in _queues().values() for queue in queues}
    from_rules = {
        target
        for rule in rules().values()
        for one in rule["Targets"]
        if (target := str(points_to(one["Arn"]))) in working_queues()
    }

    assert sent | from_rules == set(working_queues())
    readers = [function.queue for function in functions() if function.queue]
    assert sorted(readers) == sorted(working_queues())


def test_docs_architecture_has_a_row_for_each_event() -> None:
    rows = {code(row[0])[0]: row for row in table(ARCHITECTURE, "Event")}
    queues = _queues()

    assert set(rows) == set(BY_NAME)
    for name, (_, travels_on, sent_by, read_by, *_) in rows.items():
        carriers = {queue_name(queue) for queue in queues.get(name, set())} or {BUS}
        reached = queues.get(name, set()) or _fed_by_rules(name)
        assert (set(code(travels_on)) or {travels_on}) == carriers, name
        assert set(code(sent_by)) == _senders(name), name
        assert set(code(read_by)) == _readers(reached), name


def test_docs_architecture_has_a_row_for_each_queue() -> None:
    rows = {code(row[0])[0]: row for row in table(ARCHITECTURE, "Queue")}

    assert set(rows) == {queue_name(queue) for queue in working_queues()}
    for logical_id, queue in working_queues().items():
        _, carries, read_by, dead_letters, deliveries, *_ = rows[queue_name(logical_id)]
        ours = {event for event, queues in _queues().items() if logical_id in queues}
        foreign = {
            kind
            for rule in rules().values()
            if logical_id in {points_to(target["Arn"]) for target in rule["Targets"]}
            for kind in rule["EventPattern"]["detail-type"]
        }
        redrive = queue["RedrivePolicy"]
        assert set(code(carries)) == ours | foreign, logical_id
        assert set(code(read_by)) == _readers({logical_id}), logical_id
        assert code(dead_letters) == [queue_name(str(points_to(redrive["deadLetterTargetArn"])))]
        assert int(deliveries) == redrive["maxReceiveCount"], logical_id


def test_docs_architecture_has_a_row_for_each_rule() -> None:
    rows = {code(row[0])[0]: row for row in table(ARCHITECTURE, "Rule")}

    assert set(rows) == set(rules())
    for logical_id, rule in rules().items():
        targets = {str(points_to(target["Arn"])) for target in rule["Targets"]}
        named = {RESOURCES[target]["Type"].rsplit("::", 1)[1] for target in targets}
        assert named <= {"Queue", "Topic", "Function"}
        assert set(code(rows[logical_id][2])) == targets, logical_id


def test_a_reader_of_queue_and_bus_needs_one_envelope() -> None:
    for name in BY_NAME:
        envelope = Envelope.read((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))

        assert envelope.detail_type == name
        assert envelope.source == SOURCE
