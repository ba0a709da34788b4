"""Whether a schema keeps what a released one has promised.

A schema is a promise to those who read an event, and a demand on what is already on its way: sender
and reader may be of different versions, and the archive keeps events for months. So whatever a
released schema says stays as it is, in either direction; all that may come is a field that is
optional. What is said in words (descriptions, titles) may change.
"""

from typing import Any

_WORDS = frozenset({"description", "title", "$schema", "$defs", "examples"})
_MISSING = object()


def breaches(released: dict[str, Any], current: dict[str, Any]) -> list[str]:
    """What a reader or an event of the released schema would stumble over, one line for each."""
    old, new = _plain(released, released), _plain(current, current)
    return _compare("", old, new)


def _plain(schema: Any, root: dict[str, Any]) -> Any:
    """The schema with its references resolved, without what is only said in words."""
    if isinstance(schema, list):
        return [_plain(one, root) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        definition = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return _plain({**definition, **beside}, root)
    return {
        key: {field: _plain(one, root) for field, one in value.items()}
        if key == "properties"
        else _plain(value, root)
        for key, value in schema.items()
        if key not in _WORDS
    }


def _compare(path: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    where = path or "the event"
    found = []
    for key in sorted((old.keys() | new.keys()) - {"properties", "required"}):
        was, now = old.get(key, _MISSING), new.get(key, _MISSING)
        if isinstance(was, dict) and isinstance(now, dict):
            found += _compare(f"{path}[{key}]", was, now)
        elif was != now:
            found.append(f"{where}: {key} was {_shown(was)}, is {_shown(now)}")
    return found + _compare_fields(path, old, new)


def _compare_fields(path: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    was, now = old.get("properties", {}), new.get("properties", {})
    was_required, now_required = set(old.get("required", [])), set(new.get("required", []))
    found = []
    for field in sorted(was.keys() | now.keys()):
        where = f"{path}.{field}".lstrip(".")
        if field not in now:
            found.append(f"{where}: removed")
        elif field not in was:
            # An older sender, and the archive, do not have it.
            found += [f"{where}: added, and required"] if field in now_required else []
        else:
            found += _compare(where, was[field], now[field])
            if field in was_required - now_required:
                found.append(f"{where}: was required, is optional")
            if field in now_required - was_required:
                found.append(f"{where}: was optional, is required")
    return found


def _shown(value: object) -> str:
    return "absent" if value is _MISSING else repr(value)
