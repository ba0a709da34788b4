"""EventBridge's event patterns, as far as they can be told here.

Values, `exists`, `prefix`, `suffix` and `anything-but` with values are. What else a pattern may say
is not, nor are lists of structures in an event: then the answer is None, and EventBridge is asked.
A pattern that is refused for what it says elsewhere is therefore found to match nothing, too.

Source: Amazon EventBridge's user guide, "Comparison operators for use in event patterns".
"""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import JsonValue

_SCALARS: Final = (str, int, float, bool, type(None))


def matches(pattern: JsonValue, event: JsonValue) -> bool | None:
    """Whether an event has all that a pattern asks for; None if that cannot be told here.

    >>> matches({"detail": {"index": [{"exists": False}]}}, {"detail": {"index": 7}})
    False
    >>> matches({"source": ["aws.batch"], "detail": {}}, {"source": "aws.batch"})
    """
    if not isinstance(pattern, Mapping) or not pattern or "$or" in pattern:
        return None
    if isinstance(event, list):
        return None
    members = event if isinstance(event, Mapping) else {}
    return _all(
        _one_of(wanted, members, name)
        if isinstance(wanted, list)
        else matches(wanted, members.get(name))
        for name, wanted in pattern.items()
    )


def _one_of(wanted: list[JsonValue], members: Mapping[str, JsonValue], name: str) -> bool | None:
    """Whether a member fits one of the conditions that its name has in a pattern."""
    value = members.get(name)
    values: list[JsonValue] = (
        value if isinstance(value, list) else [value] if name in members else []
    )
    if not wanted or not all(isinstance(one, _SCALARS) for one in values):
        # `exists` sees no structure, and there may be more that is particular about them.
        return None
    return _any(_fits(condition, values) for condition in wanted)


def _fits(condition: JsonValue, values: list[JsonValue]) -> bool | None:
    match condition:
        case {"exists": bool(wanted), **others} if not others:
            return bool(values) is wanted
        case {"prefix": str(prefix), **others} if not others:
            return any(isinstance(one, str) and one.startswith(prefix) for one in values)
        case {"suffix": str(suffix), **others} if not others:
            return any(isinstance(one, str) and one.endswith(suffix) for one in values)
        case {"anything-but": str() | list() as unwanted, **others} if not others:
            refused = unwanted if isinstance(unwanted, list) else [unwanted]
            if not all(isinstance(one, str) for one in refused):
                return None
            return any(one not in refused for one in values)
        case str():
            return condition in values
        case _:
            return None


def _all(answers: Iterable[bool | None]) -> bool | None:
    """True if all are; one that is False is enough for False."""
    found = set(answers)
    return False if False in found else None if None in found else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    return True if True in found else None if None in found else False
