"""Values of metrics and parameters as people read them."""

from __future__ import annotations

import json
import math
from typing import Any

from container.comparison import Value
from container.report_text import shown

MISSING = "—"
_DIGITS = 5
_EXACT_DIGITS = 17
# Beyond them a percentage says less than the two values.
_MOST_PERCENT = 1000


def pair(value: Value, limit: int) -> tuple[str, str]:
    """The old and the new value for two cells, with enough digits to tell them apart.

    `limit` is the most bytes of a text, 0 for any.

    >>> pair(Value("f", "loss", 0.69281, 1e-05), 60)
    ('0.69281', '0.00001')
    >>> pair(Value("f", "accuracy", 0.9999991, 0.9999992), 60)
    ('0.9999991', '0.9999992')
    >>> pair(Value("f", "n", 1, "1"), 60), pair(Value("f", "b", None, True), 60)
    (('1', '"1"'), ('—', 'true'))
    """
    old, new = value.old, value.new
    for digits in range(_DIGITS, _EXACT_DIGITS + 1):
        texts = _text(old, digits), _text(new, digits)
        if texts[0] != texts[1]:
            break
    if texts[0] == texts[1] and value.changed:
        texts = _exact(old), _exact(new)
    return shown(texts[0], limit), shown(texts[1], limit)


def single(value: Any, limit: int) -> str:
    r"""One value for a cell.

    >>> single({"a": [1]}, 60), single(float("nan"), 60), single(123456.789, 60)
    ('\\{"a": \\[1\\]\\}', 'NaN', '123457')
    """
    return shown(_text(value, _DIGITS), limit)


def change(old: Any, new: Any) -> str:
    """The direction and the difference of two numbers; "new", "gone", or "" of anything else.

    >>> change(0.7167, 0.9167), change(0.6661, 0.464), change(10, 1_000_000), change(-1, 1)
    ('▲ +0.2 (+27.9%)', '▼ -0.2021 (-30.3%)', '▲ +999990', '▲ +2')
    """
    if (old is None) != (new is None):
        return "new" if old is None else "gone"
    if not (_is_number(old) and _is_number(new)) or old == new:
        return ""
    arrow = "▲" if new > old else "▼"
    try:
        difference = new - old
        percent = 100 * difference / abs(old) if old and old * new >= 0 else math.inf
    except (OverflowError, ValueError):
        return arrow
    if not _is_finite(difference):
        return arrow
    text = f"{arrow} {'+' if difference > 0 else ''}{number(difference, _DIGITS)}"
    return f"{text} ({_percent(percent)})" if abs(percent) < _MOST_PERCENT else text


def number(value: float, digits: int) -> str:
    """A number without an exponent, as long as that can be read.

    >>> number(0.19999999999999996, 5), number(1e-05, 5), number(2e-9, 5), number(60, 5)
    ('0.2', '0.00001', '2e-9', '60')
    >>> number(1234567, 5), number(1234567.8, 5), number(1e30, 5), number(float("-inf"), 5)
    ('1234567', '1234568', '1e30', '-Infinity')
    """
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return json.dumps(value)
    size = abs(value)
    if size and not 1e-7 <= size < 1e15:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}"
    before_point = math.floor(math.log10(size)) + 1 if size else 1
    text = f"{value:.{max(0, digits - before_point)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float) -> str:
    """How long something took.

    >>> duration(0.04), duration(9.96), duration(61.2), duration(7325)
    ('0 s', '10 s', '1 min 1 s', '2 h 2 min')
    """
    if seconds < 10 and round(seconds, 1) < 10:
        return f"{round(seconds, 1):g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _text(value: Any, digits: int) -> str:
    if value is None:
        return MISSING
    if isinstance(value, str):
        return value
    return number(value, digits) if _is_number(value) else _exact(value)


def _exact(value: Any) -> str:
    return MISSING if value is None else json.dumps(value, ensure_ascii=False)


def _percent(percent: float) -> str:
    """Three digits, and no 0.0 % where there is a difference.

    >>> _percent(27.905), _percent(200.0), _percent(0.00412), _percent(-1e-12)
    ('+27.9%', '+200%', '+0.0041%', '-0.0000%')
    """
    if abs(percent) >= 0.05:
        return f"{percent:+.{0 if abs(percent) >= 100 else 1}f}%"
    places = 1 - math.floor(math.log10(abs(percent))) if percent else 1
    return f"{percent:+.{min(places, 4)}f}%"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)
