"""Writes the JSON Schemas of our events: `python -m cli.schemas FOLDER`.

A schema says what a reader of the queue or the bus sees: the names on the wire, times as the texts
that they are sent as, and no null, since a field that holds nothing is not sent. A field is
required where its class has no default for it. Same classes, same bytes.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shared.events import Event, timestamp

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _AsSent(GenerateJsonSchema):
    """The schema of an event as `Event.detail` writes it."""

    schema_dialect = _DIALECT

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = self.generate_inner(schema["schema"])
        default = schema.get("default")
        # An object as a default says no more than its own schema does.
        return described | ({"default": default} if isinstance(default, bool | int | str) else {})

    def ser_schema(self, schema: Any) -> JsonSchemaValue | None:
        if schema.get("function") is timestamp:
            return {"type": "string", "format": "date-time"}
        return super().ser_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base's signature
        """No titles: they would repeat the fields' names."""
        return False


def classes() -> list[type[Event]]:
    """Every event of ours, by name."""
    return sorted(Event.__subclasses__(), key=lambda event: event.detail_type())


def schema(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's detail."""
    described = event.model_json_schema(schema_generator=_AsSent, mode="serialization")
    # What is computed of other fields came after them: events of earlier versions lack it.
    required = [name for name in described["required"] if name not in event.model_computed_fields]
    return {"$schema": _DIALECT} | described | {"required": required}


def render(event: type[Event]) -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(event), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write one file per event; the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m cli.schemas FOLDER\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    # Only these: what has been released, in a folder below, is a promise and not an output.
    for old in folder.glob("*.json"):
        old.unlink()
    for event in classes():
        (folder / f"{event.detail_type()}.json").write_text(render(event), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
