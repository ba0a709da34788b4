"""Whatever a commit message says: it is read, or rejected in words, in time that grows with it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container import compute
from container.exits import Exit, JobFailed
from container.settings import Settings
from services.parser.keywords import read
from services.parser.requests import request
from shared.arguments import split
from shared.errors import Rejected
from shared.events import Asked
from shared.hydra import ArgumentError
from shared.params import translate_params
from shared.runs import Run, state_changed
from tests.fuzz.bounds import fuzzed, outcome_of, timed
from tests.fuzz.message_grammar import LIMITS, NEAR_MISSES, Message, messages, params
from tests.fuzz.mutations import TEXTS
from tests.samples import NAMES, NOW, RUN_ID, a_push

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

LONGEST_ANSWER = 1_000
FRAGMENTS = (
    *(":ACME_RUN: train\n", ":ACME_RUN:", ":ACME_", ":ACME_RUN_EXP:\n", ":ACME_SWEEP: lr=", "\n:"),
    *(
        ":ACME_SWEEP: ",
        ":ACME_OBJECTIVE: ",
        ":ACME_MEMORY: ",
        "a=",
        "='",
        '="',
        "'",
        '"',
        "\\",
        ",",
    ),
    *("(", ")", "[", "]", "{", "}", "range(", "1e", "9", "0", ".", " ", "\t", "\r", "\n", "\r\n"),
    *("--params ", "-S ", "x", "\x00", "\x1b[31m", "\u202e", "\ufeff", "\U0001f600", "${", "???"),
    *("Cloud-Run-Id: x\n", "Cloud-Run-Attempt: 1\n", "\n\n", "GB", "max ", "min "),
    *NEAR_MISSES,
)
PIECES = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=25).map("".join)


def outcome(text: str) -> Asked | str | None:
    """What a message asks for; a text where it is rejected."""
    try:
        return read(text, "ACME", LIMITS, RUN_ID)
    except Rejected as problem:
        return str(problem)


def check_rejection(text: str) -> None:
    """See that what is said of a message can stand in a status and on a terminal."""
    assert 0 < len(text) <= LONGEST_ANSWER
    assert text.isprintable()


def check_job_can_read(asked: Asked) -> Sequence[str]:
    """The words that a job makes of what the parser has taken."""
    environment = {"ACME_RUN_ARGS": asked.arguments or ""}
    assert "\0" not in environment["ACME_RUN_ARGS"]
    if asked.experiment:
        environment["ACME_RUN_EXP"] = "1"
    told = compute.arguments_of(Settings.read(environment))
    for word in told:
        assert "\0" not in word
        word.encode()
    return told


@fuzzed(3)
@given(messages())
def test_what_was_written_by_the_grammar_is_what_is_read(message: Message) -> None:
    found = outcome(message.text)

    if message.fault is not None:
        assert isinstance(found, str)
        assert message.fault in found
        check_rejection(found)
        return
    assert found == message.asked
    if isinstance(found, Asked):
        assert tuple(split(found.arguments or "")) == message.words
        if not found.experiment:
            assert tuple(check_job_can_read(found)) == message.words


@fuzzed(4)
@given(PIECES)
def test_whatever_is_accepted_can_be_read_by_a_job_and_the_rest_is_said_in_print(text: str) -> None:
    found = outcome(text)

    assert outcome(text) == found
    if isinstance(found, str):
        check_rejection(found)
    if isinstance(found, Asked):
        check_job_can_read(found)


@fuzzed(2)
@given(params())
def test_params_that_are_accepted_are_overrides_that_a_program_can_be_told(text: str) -> None:
    found = outcome(f":ACME_RUN: {text}\n:ACME_RUN_EXP:")

    if isinstance(found, str):
        check_rejection(found)
        return
    assert found is not None
    told = check_job_can_read(found)
    assert told[::2] == ["-S"] * (len(told) // 2)


@fuzzed()
@given(st.text(max_size=200) | TEXTS, st.booleans())
def test_the_record_of_any_message_fits_the_table_the_bus_and_a_status(
    text: str, keywords_cut: bool
) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return  # half a character does not come through the queue

    run = request(a_push(text, keywords_cut=keywords_cut), NAMES.stack, "ACME", LIMITS, NOW)

    if run is not None:
        assert run.state in ("requested", "rejected")
        assert run.reason is None or run.reason.isprintable()
        assert Run.model_validate_json(run.model_dump_json(by_alias=True)) == run
        assert len(state_changed(run).detail().encode()) < 256 * 1024 or len(text) > 100_000


LARGE = 1_000_000
# What Python's own reader gives up on, or takes long for.
DEEP = [
    f" --a=[{part * 20_000}1]" for part in ("1+", "-", "not ", "1,", "{1:", "('", "1 if 1 else ")
]


@fuzzed(0.1)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=3), st.sampled_from(FRAGMENTS))
def test_a_megabyte_is_read_in_time_that_no_pattern_of_it_lengthens(
    repeated: list[str], first: str
) -> None:
    part = "".join(repeated)
    text = first + part * (LARGE // len(part))

    found = timed(lambda: outcome(text))

    if isinstance(found, str):
        check_rejection(found)


@fuzzed(0.05)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=3))
def test_a_megabyte_behind_a_keyword_is_read_in_time(repeated: list[str]) -> None:
    part = "".join(repeated).replace("\n", " ")
    found = timed(lambda: outcome(":ACME_RUN_EXP:\n:ACME_RUN: " + part * (LARGE // len(part))))

    assert found is not None
    if isinstance(found, str):
        check_rejection(found)


@fuzzed(2)
@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join) | st.sampled_from(DEEP),
)
def test_a_job_reads_any_arguments_or_says_why_not(text: str) -> None:
    for more in ({}, {"ACME_RUN_EXP": "1"}, {"WANDB_SWEEP_ID": "s1"}, {"ACME_RUN_COMMAND": "x"}):
        settings = Settings.read({"ACME_RUN_ARGS": text.replace("\0", ""), **more})
        told = outcome_of(lambda: compute.words_of(settings), JobFailed)  # noqa: B023 - called here
        if isinstance(told, JobFailed):
            assert told.code == Exit.BAD_ARGUMENTS
            assert str(told).startswith("reading ACME_RUN_ARGS: ")
        else:
            assert all("\0" not in word for word in told)


@fuzzed(2)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), max_size=8).map("".join))
def test_old_parameters_are_rewritten_or_refused_in_one_short_line(text: str) -> None:
    told = outcome_of(lambda: translate_params(["--params", text]), ArgumentError)
    if isinstance(told, ArgumentError):
        assert 0 < len(str(told)) < 300
    else:
        assert told[::2] == ["-S"] * (len(told) // 2)
        assert all("=" in override for override in told[1::2])
