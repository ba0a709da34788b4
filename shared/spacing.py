"""What range, linspace and logspace stand for, in the space of a sweep. Standard library."""

import difflib
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from shared.errors import Rejected
from shared.scalars import decimal
from shared.values import Even, Logarithmic, Values

# A sweep has some thousand points: whoever writes more than this has slipped with a digit.
_MOST = 10**12
# What the digits of a logspace tell apart is at most 1e-11 of a value; logarithms err by less.
_LEAST_RATIO = 2e-11


def stepped(start: Decimal, stop: Decimal, step: Decimal) -> Even:
    """Python's range, for decimals too: `stop` is no value of it. Whole numbers if all three are.

    Raises:
        Rejected: it has no values, or the step is 0.

    >>> row = stepped(Decimal("0.1"), Decimal("0.5"), Decimal("0.1"))
    >>> [row.at(i) for i in range(row.size)]
    [0.1, 0.2, 0.3, 0.4]
    """
    written = f"range({start},{stop},{step})"
    if not step:
        message = f"{written} never gets on: write a step other than 0"
        raise Rejected(message)
    (first, end, by), scale = _over_one_scale(start, stop, step)
    size = -((first - end) // by)
    if start == stop:
        message = f"{written} has no points: its stop is not one of them"
        raise Rejected(message)
    if size <= 0:
        message = f"{written} has no points: write range({start},{stop},{step.copy_negate()})"
        raise Rejected(message)
    whole = all(one.as_tuple().exponent == 0 for one in (start, stop, step))
    return Even(first, by, scale, _checked(size, written), whole)


def linspace(start: Decimal, stop: Decimal, count: Decimal) -> Even:
    """`count` floats from `start` to `stop`, both among them.

    Raises:
        Rejected: they would be no values, or all the same.

    >>> row = linspace(Decimal(0), Decimal(1), Decimal(5))
    >>> [row.at(i) for i in range(row.size)]
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    size = _count(start, stop, count, f"linspace({start},{stop},{count})")
    (first, last), scale = _over_one_scale(start, stop)
    gaps = max(1, size - 1)
    values = Even(first * gaps, last - first, scale * gaps, size, whole=False)
    _check_apart(values, f"linspace({start},{stop},{count})", apart=_is_apart(values))
    return values


def logspace(start: Decimal, stop: Decimal, count: Decimal) -> Logarithmic:
    """`count` floats from `start` to `stop`, both among them; numpy calls it geomspace.

    Raises:
        Rejected: they would be no values, or some of them the same, or not above 0.

    >>> row = logspace(Decimal("1e-5"), Decimal("1e-1"), Decimal(5))
    >>> [row.at(i) for i in range(row.size)]
    [1e-05, 0.0001, 0.001, 0.01, 0.1]
    """
    written = f"logspace({start},{stop},{count})"
    if start <= 0 or stop <= 0:
        message = (
            f"{written} has a bound that is not above 0: write the first and the last value, "
            "as in logspace(1e-5,1e-1,5)"
        )
        raise Rejected(message)
    values = Logarithmic(float(start), float(stop), _count(start, stop, count, written))
    across = abs(math.log(values.high) - math.log(values.low))
    _check_apart(values, written, apart=across >= _LEAST_RATIO * (values.size - 1))
    return values


_FUNCTIONS: dict[str, Callable[[Decimal, Decimal, Decimal], Values]] = {
    "range": stepped,
    "linspace": linspace,
    "logspace": logspace,
}


def spaced(function: str, bounds: Sequence[str]) -> Values:
    """The values of one of the functions, its bounds as written.

    Raises:
        Rejected: there is no such function, its bounds are no numbers, or it has no values.

    """
    if function not in _FUNCTIONS:
        near = difflib.get_close_matches(function, _FUNCTIONS, n=1, cutoff=0)[0]
        inside = ",".join(bounds)
        fix = f"{near}({inside})" if len(inside) < 30 else f"{near}(…)"
        message = f"there is no {function}(…): write {fix}"
        raise Rejected(message)
    least = 2 if function == "range" else 3
    if not least <= len(bounds) <= 3:
        form = "range(START,STOP) or range(START,STOP,STEP)"
        message = f"write {form if least == 2 else f'{function}(FIRST,LAST,COUNT)'}"
        raise Rejected(message)
    numbers = [decimal(bound) for bound in bounds]
    first, second, third = [*numbers, Decimal(1)][:3]
    return _FUNCTIONS[function](first, second, third)


def _count(start: Decimal, stop: Decimal, count: Decimal, written: str) -> int:
    if count != count.to_integral_value() or count < 1:
        message = f"{written} has no points: its third number says how many, as in {written[:3]}"
        message += "space(1,10,5)"
        raise Rejected(message)
    if start == stop and count > 1:
        message = f"{written} has {count} times the same value: write two different bounds"
        raise Rejected(message)
    return _checked(int(count), written)


def _check_apart(values: Values, written: str, *, apart: bool) -> None:
    """Refuse values that a float cannot tell apart; of two that is seen by looking at them."""
    if values.size == 1 or apart or (values.size == 2 and values.at(0) != values.at(1)):
        return
    message = (
        f"{written} has values so close that some are the same number: write fewer of them, or "
        "bounds that are farther apart"
    )
    raise Rejected(message)


def _is_apart(values: Even) -> bool:
    """Whether each value is another float than the one before, wherever they lie between floats."""
    largest = max(abs(values.at(0)), abs(values.at(values.size - 1)))
    return Fraction(abs(values.step), values.scale) >= Fraction(math.ulp(largest))


def _checked(size: int, written: str) -> int:
    if size > _MOST:
        message = f"{written} has over {_MOST:,} points: write a longer step or closer bounds"
        raise Rejected(message)
    return size


def _over_one_scale(*numbers: Decimal) -> tuple[list[int], int]:
    """The numbers as whole ones over the same denominator, and that denominator."""
    ratios = [number.as_integer_ratio() for number in numbers]
    scale = math.lcm(*(denominator for _, denominator in ratios))
    return [value * (scale // denominator) for value, denominator in ratios], scale
