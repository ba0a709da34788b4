"""Load: which lower rate is looked for, and what a short probe has to show."""

from tests.load.rate import LOWEST, highest, will_last
from tests.load.sender import Answer, Sent


def sent(*seconds: float, status: int = 202) -> Sent:
    """Answers that took so many seconds."""
    return Sent(tuple(Answer(status, "", one, 0.0) for one in seconds), 0.0)


def test_what_is_open_between_a_carried_rate_and_one_that_is_not_is_halved() -> None:
    asked: list[float] = []

    def answered(rate: float) -> bool:
        asked.append(rate)
        return rate < 30

    assert highest(50, answered) == 28.6
    assert asked == [25.5, 37.8, 31.6, 28.6]


def test_where_no_probe_is_answered_the_lowest_rate_is_left() -> None:
    assert highest(50, lambda rate: False) == LOWEST


def test_a_probe_whose_answers_come_ever_later_does_not_let_hope_for_a_minute() -> None:
    assert will_last(sent(0.1, 1.2, 2.4), part=0.25)
    assert not will_last(sent(0.1, 1.3, 2.6), part=0.25)
    assert not will_last(sent(0.1, status=503), part=0.25)
