"""The published schemas are those of the classes, and keep what released ones promised."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import schemas
from shared.events import RunStateChanged
from tests.contracts.schema_compatibility import breaches
from tests.contracts.wiring import PROJECT

PUBLISHED = PROJECT / "events/schemas"
RELEASED = PUBLISHED / "released"
BY_NAME = {event.detail_type(): event for event in schemas.classes()}

Schema = dict[str, Any]


def _texts(folder: Path) -> dict[str, str]:
    return {file.stem: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}


def test_the_published_schemas_are_those_of_the_classes(tmp_path: Path) -> None:
    assert schemas.main([str(tmp_path)]) == 0

    assert _texts(PUBLISHED) == _texts(tmp_path), "run: make schemas"


def test_the_generator_writes_no_released_schema(tmp_path: Path) -> None:
    released = tmp_path / "released"
    released.mkdir()
    (released / "RunRequested.json").write_text("promised")
    (tmp_path / "Gone.json").write_text("of a class that is gone")

    schemas.main([str(tmp_path)])

    assert (released / "RunRequested.json").read_text() == "promised"
    assert {file.stem for file in tmp_path.glob("*.json")} == set(BY_NAME)


def test_the_generator_asks_for_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert schemas.main([]) == 2
    assert "FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize("released", sorted(RELEASED.glob("*.json")), ids=lambda file: file.stem)
def test_an_event_keeps_what_its_released_schema_promised(released: Path) -> None:
    event = BY_NAME.get(released.stem)
    assert event is not None, f"{released.stem} was released: it cannot go"

    found = breaches(json.loads(released.read_text(encoding="utf-8")), schemas.schema(event))

    assert not found, "send a new event beside this one, or add a field with a default instead"


def test_every_event_has_a_released_schema() -> None:
    assert {file.stem for file in RELEASED.glob("*.json")} == set(BY_NAME), (
        "a new event: put its first schema into events/schemas/released by hand"
    )


def _mutated(change: Callable[[Schema], object]) -> Schema:
    mutant = copy.deepcopy(schemas.schema(RunStateChanged))
    change(mutant)
    return mutant


def _rename_definition(schema: Schema) -> None:
    schema["$defs"]["Request"] = schema["$defs"].pop("Asked")
    schema["properties"]["asked"] = {"$ref": "#/$defs/Request"}


ALLOWED: dict[str, Callable[[Schema], object]] = {
    "nothing at all": lambda schema: None,
    "other words": lambda schema: schema.update(description="told better", title="Better"),
    "other words about a field": lambda schema: schema["properties"]["reason"].update(
        description="why"
    ),
    "an optional field": lambda schema: schema["properties"].update(cost={"type": "number"}),
    "an optional field further in": lambda schema: schema["$defs"]["Job"]["properties"].update(
        arn={"type": "string"}
    ),
    "an optional field called title": lambda schema: schema["properties"].update(
        title={"type": "string"}
    ),
    "a definition renamed": _rename_definition,
    "fields in another order": lambda schema: schema.update(
        properties=dict(reversed(schema["properties"].items())),
        required=list(reversed(schema["required"])),
    ),
}
REFUSED: dict[str, Callable[[Schema], object]] = {
    "reason: removed": lambda schema: schema["properties"].pop("reason"),
    "asked.gpus: removed": lambda schema: schema["$defs"]["Asked"]["properties"].pop("gpus"),
    "version: type was 'integer', is 'string'": lambda schema: schema["properties"][
        "version"
    ].update(type="string"),
    "exit_code: type was 'integer', is 'number'": lambda schema: schema["properties"][
        "exit_code"
    ].update(type="number"),
    "commit: pattern was absent, is '^[0-9a-f]+$'": lambda schema: schema["properties"][
        "commit"
    ].update(pattern="^[0-9a-f]+$"),
    "attempt: minimum was absent, is 1": lambda schema: schema["properties"]["attempt"].update(
        minimum=1
    ),
    "updated_at: format was 'date-time', is absent": lambda schema: schema["properties"][
        "updated_at"
    ].pop("format"),
    "asked.experiment: default was False, is True": lambda schema: schema["$defs"]["Asked"][
        "properties"
    ]["experiment"].update(default=True),
    "reason: was optional, is required": lambda schema: schema["required"].append("reason"),
    "version: was required, is optional": lambda schema: schema["required"].remove("version"),
    "job.id: was optional, is required": lambda schema: schema["$defs"]["Job"]["required"].append(
        "id"
    ),
    "cost: added, and required": lambda schema: (
        schema["properties"].update(cost={"type": "number"}),
        schema["required"].append("cost"),
    ),
    "the event: additionalProperties was absent, is False": lambda schema: schema.update(
        additionalProperties=False
    ),
    "job: type was 'object', is 'string'": lambda schema: schema["$defs"].update(
        Job={**schema["$defs"]["Job"], "type": "string"}
    ),
}


@pytest.mark.parametrize("change", ALLOWED)
def test_a_compatible_change_is_let_through(change: str) -> None:
    assert breaches(schemas.schema(RunStateChanged), _mutated(ALLOWED[change])) == []


@pytest.mark.parametrize("breach", REFUSED)
def test_an_incompatible_change_is_named(breach: str) -> None:
    assert breaches(schemas.schema(RunStateChanged), _mutated(REFUSED[breach])) == [breach]


@pytest.mark.parametrize("state", ["failed", "paused"])
def test_the_states_can_neither_grow_nor_shrink(state: str) -> None:
    def change(schema: Schema) -> None:
        states = schema["properties"]["state"]["enum"]
        states.remove(state) if state in states else states.append(state)

    found = breaches(schemas.schema(RunStateChanged), _mutated(change))

    assert len(found) == 1
    assert found[0].startswith("state: enum was")
