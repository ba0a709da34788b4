"""JSON that others have written, such as a job: read only where all can go on with what it says.

Python's parser takes more than JSON has: NaN, half a character, brackets within brackets until its
own stack is full. Whoever writes such a value again, stores it or posts it fails by then.
"""

import json

# Of lists and objects within each other. A stack's own documents have a handful.
_DEEPEST = 50


def read_json(content: bytes) -> object:
    """The value that a document holds.

    Raises:
        ValueError: it is no JSON, nests deeper than 50, or says what JSON for others cannot say.

    >>> read_json(b'{"lr": [0.1, null]}')
    {'lr': [0.1, None]}
    """
    try:
        value: object = json.loads(content)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if _is_deep(value):
        raise ValueError(_TOO_DEEP)
    # NaN is no JSON for others, and half a character can neither be stored nor posted.
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    return value


_TOO_DEEP = f"brackets nest deeper than {_DEEPEST}"


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST + 1):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
