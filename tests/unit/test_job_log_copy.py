"""The file that keeps the log."""

from pathlib import Path

import pytest

from container.log_copy import LogCopy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "job.log"


def line(number: int) -> bytes:
    return f"line {number:05}\n".encode()


def test_a_log_is_kept_whole_and_can_be_read_at_any_time(path: Path) -> None:
    path.write_text("an earlier log")
    copy = LogCopy(path)
    assert path.read_bytes() == b""

    copy.write(line(1) + line(2))
    assert path.read_bytes() == line(1) + line(2)

    copy.write(line(3))
    copy.close()
    assert path.read_bytes() == line(1) + line(2) + line(3)


@pytest.mark.parametrize("count", [91, 92, 150, 1000, 4567])
def test_of_a_very_long_log_the_beginning_and_the_end_are_kept(path: Path, count: int) -> None:
    copy = LogCopy(path, limit=1000)
    for number in range(count):
        copy.write(line(number))
        assert path.stat().st_size <= 1000

    text = path.read_text(encoding="utf-8")
    head, note, tail = text.partition("[… ")
    left_out, _, tail = tail.partition(" bytes of the log are left out here …]\n")
    kept = [int(word.removeprefix("line ")) for word in (head + tail).splitlines()]
    first = len(head.splitlines())
    last = len(tail.splitlines())

    assert note
    assert kept == [*range(first), *range(count - last, count)]
    assert first == 46
    assert last >= 20
    assert int(left_out) == 11 * (count - first - last)
    copy.close()


def test_a_batch_larger_than_the_limit_is_kept(path: Path) -> None:
    copy = LogCopy(path, limit=100)
    copy.write(line(1))
    copy.write(b"x" * 500 + b"\n")
    copy.close()

    assert path.read_bytes().endswith(b"x" * 500 + b"\n")
