"""What programs write, as the lines of the log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.lines import LONGEST, Lines
from container.masking import Masks

SECRET = "t0p/s3cret-token"


class Clock:
    """Time that passes when a test says so, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(clock: Clock) -> Lines:
    masks = Masks()
    masks.add(SECRET)
    return Lines(masks, clock)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"one\ntwo\n\nfour\n", ["one", "two", "", "four"]),
        (b"windows\r\nends\r\n\r\n", ["windows", "ends", ""]),
        ("Zürich\n".encode(), ["Zürich"]),
        (b"not \xff UTF-8\n", ["not \ufffd UTF-8"]),
        (b"\x1b[1;31mred\x1b[0m and \x1b[38;5;4mblue\x1b[m\n", ["red and blue"]),
        (b"\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\ \x1b(B\x1b=\x1b7.\n", ["link ."]),
        (b"a\x00b\x07c\x0bd\x7f\xc2\x85\te\n", ["abcd\te"]),
        (b"|\b/\b-\bdone\n", ["done"]),
        (b"  0%\r 50%\r100%\n", ["100%"]),
        (b"\r 50%\r100%\r\n", ["100%"]),
        (b"\r 50%|x\r       \r", []),
        (b"\r 50%|x\r       \rtrained\n", ["trained"]),
        (b"\r 50%|x\r       \r\nnext\n", ["next"]),
        (b"\r 57%|interrupted\n", [" 57%|interrupted"]),
        (f"token {SECRET}!\n".encode(), ["token ***!"]),
        (f"t0p/\x1b[1ms3cret\x1b[m-token\n{SECRET}\n".encode(), ["***", "***"]),
        (b"", []),
    ],
)
def test_lines_are_told_in_plain_text(lines: Lines, written: bytes, shown: list[str]) -> None:
    assert lines.feed(written) == shown


def test_a_line_is_whole_however_it_comes(lines: Lines) -> None:
    written = f"Zür\x1b[1mich {SECRET}\x1b[0m → ok\n 10%\r 20%\rend\n".encode()

    shown = [line for byte in written for line in lines.feed(bytes([byte]))]

    assert shown == ["Zürich *** → ok", "end"]


def test_a_bar_that_goes_on_is_shown_twice_a_minute(lines: Lines, clock: Clock) -> None:
    shown: list[tuple[float, str]] = []
    for second in range(100):
        clock.now = 1000.0 + second
        shown += [(second, line) for line in lines.feed(f"\r{second:3}%|##".encode())]
        shown += [(second, line) for line in lines.quiet()]
    shown += [(100, line) for line in lines.feed(b"\r100%|##\n")]

    assert shown == [(30, " 30%|##"), (60, " 60%|##"), (90, " 90%|##"), (100, "100%|##")]


def test_a_bar_that_stands_still_is_not_shown_again(lines: Lines, clock: Clock) -> None:
    lines.feed(b" 10%\r 20%\r")
    clock.now += 31

    assert lines.quiet() == [" 20%"]
    clock.now += 100
    assert lines.quiet() == []
    assert lines.feed(b"\n") == []
    assert lines.feed(b"next\n") == ["next"]


def test_bars_below_each_other_are_one_thing_that_goes_on(lines: Lines, clock: Clock) -> None:
    shown: list[str] = []
    for epoch in range(4):
        for step in range(100):
            clock.now += 0.1
            shown += lines.feed(f"\n\r{step:3}%|inner\x1b[A\r{25 * epoch:3}%|epochs".encode())
        shown += lines.feed(b"\n\r100%|inner\n")

    assert len(shown) <= 10
    assert shown.count("100%|inner") == 4


def test_a_line_without_an_end_is_shown_when_nothing_follows(lines: Lines, clock: Clock) -> None:
    assert lines.feed(b"Continue? [y/n] ") == []
    clock.now += 4.9
    assert lines.quiet() == []
    clock.now += 0.2
    assert lines.quiet() == ["Continue? [y/n] "]
    clock.now += 10
    assert lines.quiet() == []
    assert lines.feed(b"yes\n\nnext\n") == ["yes", "", "next"]


def test_the_end_of_a_line_that_was_shown_is_no_line(lines: Lines, clock: Clock) -> None:
    lines.feed(b"....")
    clock.now += 6

    assert lines.quiet() == ["...."]
    assert lines.feed(b"\nnext\n") == ["next"]


def test_a_secret_is_hidden_though_its_halves_come_apart(lines: Lines, clock: Clock) -> None:
    lines.feed(f"it is {SECRET[:7]}".encode())
    clock.now += 6

    assert lines.quiet() == ["it is "]
    assert lines.pause() == []
    assert lines.feed(f"{SECRET[7:]}.\n".encode()) == ["***."]


def test_the_first_letters_of_a_secret_hold_nothing_back(lines: Lines, clock: Clock) -> None:
    lines.feed(b"how about t0p")
    assert lines.pause() == ["how about t0p"]
    assert lines.feed(f"{SECRET[3:]} then?\nt0p".encode()) == ["*** then?"]

    lines.feed(b"/")
    assert lines.pause() == []  # four letters are no chance


def test_an_escape_sequence_that_comes_in_two_is_dropped(lines: Lines, clock: Clock) -> None:
    lines.feed(b"name:\x1b[1")
    clock.now += 6

    assert lines.quiet() == ["name:"]
    assert lines.feed(b";31mred\n") == ["red"]


def test_a_line_of_ours_comes_after_what_was_written_before(lines: Lines) -> None:
    lines.feed(b"no end")
    assert lines.pause() == ["no end"]

    lines.feed(b"\r 10%\r 2")
    assert lines.pause() == [" 2"]
    assert lines.pause() == []
    assert lines.feed(b"0%\r 30%\n") == [" 30%"]


def test_the_end_shows_what_is_left(lines: Lines) -> None:
    assert lines.feed(b"no end \xc3") == []
    assert lines.finish() == ["no end \ufffd"]
    assert lines.finish() == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"token {SECRET[:-1]}", ["token ***"]),
        (f"token {SECRET[:4]}", ["token ***"]),
        (f"token {SECRET[:3]}", ["token t0p"]),
        (f"{SECRET} {SECRET[:-1]}", ["*** ***"]),
        (f"\x1b[1m{SECRET[:9]}\x1b[m", ["***"]),
        (f" 10%\r{SECRET[:-1]}", ["***"]),
        ("x" * LONGEST + SECRET[:-1], ["x" * LONGEST, "***"]),
        ("x" * (LONGEST - 4) + SECRET[:4], ["x" * (LONGEST - 4) + "***"]),
    ],
)
def test_a_secret_of_which_only_the_beginning_was_written_is_hidden(
    lines: Lines, written: str, shown: list[str]
) -> None:
    told = lines.feed(written.encode())

    assert [*told, *lines.finish()] == shown


def test_the_beginning_of_a_secret_is_hidden_after_a_piece_of_it_was_shown(lines: Lines) -> None:
    lines.feed(b"how about t0p")
    assert lines.pause() == ["how about t0p"]
    lines.feed(SECRET[3:-1].encode())

    assert lines.finish() == ["***"]


def test_a_very_long_line_is_shown_in_pieces(lines: Lines) -> None:
    written = ("x" * (LONGEST - 5) + SECRET) * 10

    shown = [*lines.feed(written.encode()), *lines.feed(b"\nnext\n")]

    assert max(map(len, shown)) <= LONGEST
    assert "".join(shown) == ("x" * (LONGEST - 5) + "***") * 10 + "next"


def test_a_line_without_any_end_needs_no_more_memory_than_a_piece(lines: Lines) -> None:
    for _ in range(100):
        lines.feed(b"0123456789abcdef" * 4096)
        lines.feed(b"\rbar" * 4096)

    assert len(lines.finish()[0]) <= LONGEST


PLAIN = st.text(alphabet="t0p/s3cret-token x", max_size=40)


@given(st.lists(PLAIN, max_size=5), st.lists(st.integers(1, 25), min_size=1))
def test_no_secret_appears_however_a_line_is_written_and_interrupted(
    words: list[str], sizes: list[int]
) -> None:
    clock, masks = Clock(), Masks()
    masks.add(SECRET)
    lines = Lines(masks, clock)
    written = (SECRET.join(["", *words]) + SECRET).encode()

    shown: list[str] = []
    at = 0
    for number in range(len(written)):
        size = sizes[number % len(sizes)]
        shown += lines.feed(written[at : at + size])
        clock.now += size
        shown += lines.pause() if size % 3 == 0 else lines.quiet()
        at += size
    shown += lines.feed(b"\n")

    assert SECRET not in "".join(shown)
    assert "".join(shown).count("***") >= 1


@given(st.binary(), st.lists(st.integers(1, 9), min_size=1))
def test_any_bytes_give_printable_lines_the_same_in_any_pieces(
    written: bytes, sizes: list[int]
) -> None:
    whole = Lines(Masks(), Clock())
    pieces = Lines(Masks(), Clock())

    at, shown = 0, list[str]()
    for number in range(len(written)):
        size = sizes[number % len(sizes)]
        shown += pieces.feed(written[at : at + size])
        at += size

    assert [*shown, *pieces.finish()] == [*whole.feed(written), *whole.finish()]
    assert all(ord(character) >= 32 or character == "\t" for line in shown for character in line)
