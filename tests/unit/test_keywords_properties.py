"""What holds for every commit message, and how the time to read one grows."""

import gc
import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parser.keywords import Limits, read
from shared.errors import Rejected
from shared.events import Asked
from tests.samples import RUN_ID

LIMITS = Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=0)
KEYWORDS = ["RUN", "RUN_EXP", "GPUS", "MEMORY", "VCPUS", "SWEEP", "OBJECTIVE", "GPU", ""]
# Lines that come near the grammar, between any other text.
line = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}:ACME_{}{}{}".format,
        st.sampled_from(["", "", " ", "> ", "\ufeff"]),
        st.sampled_from(KEYWORDS),
        st.sampled_from([":", ": ", ":\t", ""]),
        st.one_of(
            st.text(max_size=20),
            st.from_regex(r"[0-9]{1,20} ?[KMGT]?i?B?"),
            st.from_regex(r"([a-z]{1,2}=[0-9a-z,'(]{0,9} ?){1,3}"),
        ),
    ),
)
message = st.lists(line, max_size=8).map("\n".join)


def outcome(text: str) -> Asked | str | None:
    try:
        return read(text, "ACME", LIMITS, RUN_ID)
    except Rejected as problem:
        return str(problem)


@given(message)
def test_any_message_is_read_or_rejected_in_few_words(text: str) -> None:
    result = outcome(text)

    if isinstance(result, str):
        assert 0 < len(result) < 2000
    if isinstance(result, Asked):
        assert result.gpus is None or 0 <= result.gpus <= LIMITS.gpus
        assert result.memory_mib is None or 4 <= result.memory_mib <= LIMITS.memory_mib
        assert result.vcpus is None or 1 <= result.vcpus <= LIMITS.vcpus


@given(message)
def test_crlf_is_lf(text: str) -> None:
    text = text.replace("\r", "")

    assert outcome(text.replace("\n", "\r\n")) == outcome(text)


@given(message)
def test_an_indented_message_asks_for_nothing(text: str) -> None:
    indented = "".join(f" {part}\n" for part in text.split("\n"))

    assert outcome(indented) is None


@given(message)
def test_a_message_said_twice_asks_for_the_same(text: str) -> None:
    text = text.removeprefix("\ufeff")

    assert outcome(f"{text}\n{text}") == outcome(text)


@given(message)
def test_a_message_without_a_keyword_at_a_lines_start_asks_for_nothing(text: str) -> None:
    lines = text.removeprefix("\ufeff").split("\n")
    if not any(part.startswith(":ACME_") for part in lines):
        assert outcome(text) is None


@given(st.integers(0, 8), st.integers(4, 65536), st.integers(1, 16))
def test_numbers_within_the_limits_are_taken_as_they_stand(
    gpus: int, memory: int, vcpus: int
) -> None:
    text = f":ACME_RUN:\n:ACME_GPUS: {gpus}\n:ACME_MEMORY: {memory}\n:ACME_VCPUS: {vcpus}"

    assert outcome(text) == Asked(gpus=gpus, memory_mib=memory, vcpus=vcpus)


def calls(text: str) -> int:
    """How many Python and C calls reading `text` makes."""
    count = 0

    def counting(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    # What is called to clear away another test's garbage is no work on this text.
    gc.disable()
    sys.setprofile(counting)
    try:
        outcome(text)
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.mark.parametrize(
    "part",
    [
        "prose\n",
        ":ACME_RUN: train\n",
        ":ACME_",
        ":ACME_RUN\n",
        ":ACME_RUN: a=",
        "\n",
        "\r",
        ":",
        ":ACME_RUN: '",
        ":ACME_GPUS: 1 ",
        ":ACME_RUN:\n:ACME_SWEEP: a=1,2\n",
        ":ACME_RUN:\n:ACME_SWEEP: a='",
        ":ACME_SWEEP: ((",
        "\ufeff",
    ],
)
def test_the_work_grows_no_faster_than_the_message(part: str) -> None:
    small, large = (calls(part * (size // len(part))) for size in (10_000, 100_000))

    assert large <= 10 * small + 100


def test_the_work_does_not_grow_with_the_number_of_unknown_keywords() -> None:
    small, large = (
        calls("\n".join(f":ACME_X{number}:" for number in range(count)))
        for count in (1_000, 10_000)
    )

    assert large <= 10.5 * small


@pytest.mark.parametrize(
    "text",
    [
        ":ACME_RUN: " + "x" * 1_000_000,
        ":ACME_" + "_" * 1_000_000,
        ":ACME_RUN: " + "a=" * 500_000,
        ":ACME_RUN: " + '"a" ' * 250_000,
        "\n" * 1_000_000,
        (":ACME_RUN" + " " * 99 + "\n") * 10_000,
        ":ACME_RUN:\n:ACME_MEMORY: " + "1." * 500_000,
        ":ACME_RUN:\n:ACME_MEMORY: " + "1" + " " * 999_990 + "G",
    ],
)
def test_a_message_of_a_megabyte_comes_to_an_end(text: str) -> None:
    assert not isinstance(outcome(text), str) or len(str(outcome(text))) < 2000
