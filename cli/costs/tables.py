"""How figures and tables are written in docs/cost.md."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from cli.costs.prices import Price

_MILLION = Decimal(1_000_000)
_SIGNIFICANT = 2


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a column whose head ends with a colon holds figures."""
    names = [name.rstrip(":") for name in head]
    rule = ["---:" if name.endswith(":") else "---" for name in head]
    return "\n".join(
        f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (names, rule, *rows)
    )


def usd(amount: Decimal) -> str:
    """Dollars: cents, or two significant digits of less than a dollar.

    >>> [usd(Decimal(text)) for text in ("1234.5", "0.5", "0.00034567", "0")]
    ['1,234.50', '0.50', '0.00035', '0']
    """
    if not amount:
        return "0"
    return f"{_rounded(amount, _SIGNIFICANT) if abs(amount) < 1 else amount:,.{_places(amount)}f}"


def quantity(number: Decimal) -> str:
    """A quantity with three significant digits, or whole where it is whole.

    >>> [quantity(Decimal(text)) for text in ("2628000", "0.0438", "1.23456", "12345.6")]
    ['2,628,000', '0.0438', '1.23', '12,346']
    """
    if number == number.to_integral_value() or number >= 1000:
        return f"{number:,.0f}"
    return f"{_rounded(number, 3).normalize():f}"


def rate(price: Price) -> str:
    """A price as people say it: small ones per million.

    >>> rate(Price("x", "X", "request", "", Decimal("0.0000004"), None, True))
    '0.40 per million requests'
    """
    if price.usd < Decimal("0.001"):
        plural = price.unit if price.unit.isupper() else f"{price.unit}s"
        return f"{_cents(price.usd * _MILLION)} per million {plural}"
    return f"{_cents(price.usd)} per {price.unit}"


def _cents(amount: Decimal) -> str:
    """All digits that an amount has, and at least two after the point."""
    digits = f"{amount.normalize():f}"
    whole, _, fraction = digits.partition(".")
    return f"{whole}.{fraction:0<2}"


def _places(amount: Decimal) -> int:
    if abs(amount) >= 1:
        return 2
    return max(2, _SIGNIFICANT - 1 - amount.adjusted())


def _rounded(number: Decimal, digits: int) -> Decimal:
    exponent = Decimal(1).scaleb(number.adjusted() - digits + 1)
    return number.quantize(exponent, rounding=ROUND_HALF_UP)
