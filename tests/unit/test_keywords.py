"""The keyword grammar: what asks for a run, and what is said of what cannot be read."""

import pytest

from services.parser.keywords import Limits, read
from shared.errors import Rejected
from shared.events import Asked
from tests.samples import RUN_ID

LIMITS = Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=0)


def asked(message: str) -> Asked | None:
    return read(message, "ACME", LIMITS, RUN_ID)


def rejection(message: str, limits: Limits = LIMITS) -> str:
    with pytest.raises(Rejected) as error:
        read(message, "ACME", limits, RUN_ID)
    return str(error.value)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (":ACME_RUN:", Asked()),
        (":ACME_RUN: train", Asked(arguments="train")),
        (":ACME_RUN:train", Asked(arguments="train")),
        (":ACME_RUN:\t train -f \t", Asked(arguments="train -f")),
        (":ACME_RUN_EXP:", Asked(experiment=True)),
        (":ACME_RUN_EXP:   ", Asked(experiment=True)),
        (":ACME_RUN:\n:ACME_RUN_EXP:", Asked(experiment=True)),
        (":ACME_RUN: -S a=1\n:ACME_RUN_EXP:", Asked(arguments="-S a=1", experiment=True)),
        (":ACME_RUN:\n:ACME_GPUS:", Asked(gpus=1)),
        (":ACME_RUN:\n:ACME_GPUS: 0", Asked(gpus=0)),
        (":ACME_RUN:\n:ACME_GPUS: 8", Asked(gpus=8)),
        (":ACME_GPUS: 2\n:ACME_RUN:", Asked(gpus=2)),
        (":ACME_RUN:\n:ACME_MEMORY: 4", Asked(memory_mib=4)),
        (":ACME_RUN:\n:ACME_MEMORY: 65536", Asked(memory_mib=65536)),
        (":ACME_RUN:\n:ACME_VCPUS: 1", Asked(vcpus=1)),
        (":ACME_RUN:\n:ACME_VCPUS: 16", Asked(vcpus=16)),
        (":ACME_RUN:\n:ACME_VCPUS: 0004", Asked(vcpus=4)),
        (":ACME_RUN:\n:ACME_MEMORY: 00000000000000000000032768", Asked(memory_mib=32768)),
        (
            ":ACME_RUN: --single-item featurize_data\n:ACME_GPUS: 0\n:ACME_MEMORY: 32768",
            Asked(arguments="--single-item featurize_data", gpus=0, memory_mib=32768),
        ),
        (
            ":ACME_RUN: --params learning_rate=0.01\n:ACME_RUN_EXP:\n:ACME_GPUS:",
            Asked(arguments="--params learning_rate=0.01", experiment=True, gpus=1),
        ),
        ("Subject\n\nBody.\n\n:ACME_RUN: a\n\nMore.", Asked(arguments="a")),
        (':ACME_RUN: -S var2={"foo":"bar"}', Asked(arguments='-S var2={"foo":"bar"}')),
        (":ACME_RUN: $(rm -rf /); `id`", Asked(arguments="$(rm -rf /); `id`")),
    ],
)
def test_keywords_at_a_lines_start_ask_for_a_run(message: str, expected: Asked) -> None:
    assert asked(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        "",
        "\n\n",
        "just prose",
        "use :ACME_RUN: to run it",
        " :ACME_RUN:",
        "\t:ACME_RUN: train",
        "> :ACME_RUN: train",
        "`:ACME_RUN:`",
        '":ACME_RUN:"',
        "* :ACME_RUN:",
        ":ACME_RUN",
        "ACME_RUN:",
        ":acme_run:",
        ":Acme_Run:",
        ":ACME RUN:",
        ":ACME:",
        ":OTHER_RUN:",
        ":XACME_RUN:",
        "\u200b:ACME_RUN:",
        "one line\u2028:ACME_RUN:",
        "one line\x0c:ACME_RUN:",
        "one line\x85:ACME_RUN:",
        "one line\r:ACME_RUN:",
    ],
)
def test_prose_indented_quoted_or_mid_line_mentions_ask_for_nothing(message: str) -> None:
    assert asked(message) is None


@pytest.mark.parametrize(
    "message",
    [":ACME_GPUS: 2", ":ACME_MEMORY: 32GB", ":ACME_VCPUS:", ":ACME_GPUS: 1\n:ACME_GPUS: 2"],
)
def test_resource_keywords_without_a_run_ask_for_nothing(message: str) -> None:
    assert asked(message) is None


def test_crlf_reads_as_lf_does() -> None:
    message = "Subject\n\n:ACME_RUN: train\n:ACME_GPUS:\n:ACME_MEMORY: 4096\n"

    assert asked(message.replace("\n", "\r\n")) == asked(message) is not None


def test_a_byte_order_mark_before_the_first_line_is_dropped() -> None:
    assert asked("\ufeff:ACME_RUN: train") == Asked(arguments="train")


def test_a_byte_order_mark_anywhere_else_is_a_character() -> None:
    assert asked("subject\n\ufeff:ACME_RUN: train") is None
    assert asked("\ufeff\ufeff:ACME_RUN: train") is None


def test_another_prefix_makes_other_keywords() -> None:
    assert read(":TEAM2_RUN: x", "TEAM2", LIMITS, RUN_ID) == Asked(arguments="x")
    assert read(":ACME_RUN: x", "TEAM2", LIMITS, RUN_ID) is None


def test_the_same_keyword_twice_with_the_same_argument_is_one() -> None:
    assert asked(":ACME_RUN: a\n:ACME_RUN:  a \n:ACME_GPUS: 2\n:ACME_GPUS: 2\r\n") == Asked(
        arguments="a", gpus=2
    )


@pytest.mark.parametrize(
    "message",
    [":ACME_RUN: a\n:ACME_RUN: b", ":ACME_RUN:\n:ACME_RUN: b", ":ACME_RUN:\n\n:ACME_RUN: b"],
)
def test_the_same_keyword_twice_with_different_arguments_is_rejected(message: str) -> None:
    assert rejection(message) == ":ACME_RUN: stands twice with different arguments: keep one"


def test_different_resources_twice_are_rejected_with_the_keyword_named() -> None:
    assert ":ACME_GPUS: stands twice" in rejection(":ACME_RUN:\n:ACME_GPUS: 1\n:ACME_GPUS: 2")


@pytest.mark.parametrize(
    ("keyword", "nearest"),
    [
        (":ACME_GPU:", ":ACME_GPUS:"),
        (":ACME_MEM:", ":ACME_MEMORY:"),
        (":ACME_CPUS:", ":ACME_VCPUS:"),
        (":ACME_RUNS:", ":ACME_RUN:"),
        (":ACME_RUN_EXPERIMENT:", ":ACME_RUN_EXP:"),
        (":ACME_Run:", ":ACME_RUN:"),
        (":ACME_memory:", ":ACME_MEMORY:"),
        (":ACME_:", ":ACME_RUN:"),
    ],
)
def test_an_unknown_keyword_is_rejected_with_the_nearest_known_one(
    keyword: str, nearest: str
) -> None:
    assert rejection(f"{keyword} 1") == f"there is no keyword {keyword} - write {nearest}"
    assert f"write {nearest}" in rejection(f":ACME_RUN:\n{keyword}")


def test_thousands_of_unknown_keywords_are_answered_in_a_few_words() -> None:
    message = "\n".join(f":ACME_X{number}:" for number in range(50_000))

    assert len(rejection(message)) < 300


def test_a_long_unknown_keyword_is_shown_shortened() -> None:
    assert len(rejection(":ACME_" + "A" * 100_000 + ":")) < 120


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("32GB", 32768),
        ("32 GB", 32768),
        ("32gib", 32768),
        ("32G", 32768),
        ("1.5G", 1536),
        ("512MB", 512),
        ("512 MiB", 512),
        ("2048K", 4),
        ("1T", 65536),
        ("4096.0", 4096),
        ("8000.5", 8001),
    ],
)
def test_memory_with_a_unit_is_rejected_with_the_number_to_write(
    written: str, instead: int
) -> None:
    assert (
        rejection(f":ACME_RUN:\n:ACME_MEMORY: {written}")
        == f"memory is a whole number of MiB: write {instead}"
    )


@pytest.mark.parametrize(
    "written",
    [
        "lots",
        "-1",
        "+4096",
        "4_096",
        "4,096",
        "0x1000",
        "1e4",
        "\u0664\u0660\u0669\u0666",  # 4096 in Arabic-Indic digits
        "\uff14\uff10\uff19\uff16",  # 4096 in full-width digits
        "4096\u00b2",
        "32\u212a",  # the sign for kelvin, which Unicode folds to k
        "4096 # comment",
        "\x00",
    ],
)
def test_what_is_no_ascii_number_is_rejected_with_one_that_works(written: str) -> None:
    text = rejection(f":ACME_RUN:\n:ACME_MEMORY: {written}")

    assert text == "memory is a whole number of MiB: write 8192"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (":ACME_GPUS: 9", "GPUs are a whole number from 0 to 8: write 8"),
        (":ACME_MEMORY: 3", "memory is a whole number of MiB from 4 to 65536: write 4"),
        (":ACME_MEMORY: 65537", "memory is a whole number of MiB from 4 to 65536: write 65536"),
        (":ACME_VCPUS: 0", "vCPUs are a whole number from 1 to 16: write 1"),
        (":ACME_VCPUS: 17", "vCPUs are a whole number from 1 to 16: write 16"),
        (":ACME_GPUS: two", "GPUs are a whole number: write 1"),
        (":ACME_VCPUS: 2.5", "vCPUs are a whole number: write 3"),
    ],
)
def test_numbers_beyond_the_limits_are_rejected_with_the_limits(line: str, expected: str) -> None:
    assert rejection(f":ACME_RUN:\n{line}") == expected


@pytest.mark.parametrize("digits", [13, 1000, 1_000_000])
def test_a_huge_row_of_digits_is_beyond_the_limits(digits: int) -> None:
    text = rejection(":ACME_RUN:\n:ACME_MEMORY: " + "9" * digits)

    assert text == "memory is a whole number of MiB from 4 to 65536: write 65536"


def test_a_gpu_is_refused_where_the_stack_has_none() -> None:
    limits = Limits(gpus=0, memory_mib=65536, vcpus=16, points=1000, failed_percent=0)

    assert "GPUs are a whole number from 0 to 0: write 0" in rejection(
        ":ACME_RUN:\n:ACME_GPUS:", limits
    )


@pytest.mark.parametrize("keyword", ["MEMORY", "VCPUS"])
def test_a_missing_required_argument_is_rejected(keyword: str) -> None:
    text = rejection(f":ACME_RUN:\n:ACME_{keyword}:")

    assert text.startswith(f":ACME_{keyword}: needs a number")
    assert f"write :ACME_{keyword}: " in text


def test_a_forbidden_argument_is_rejected() -> None:
    text = rejection(":ACME_RUN_EXP: --params a=1")

    assert text == ":ACME_RUN_EXP: takes no argument: write it after :ACME_RUN: instead"


def test_an_unclosed_quote_is_rejected() -> None:
    assert "never closed" in rejection(":ACME_RUN: -S 'note=two words")


def test_params_that_hydra_cannot_read_are_rejected_for_an_experiment() -> None:
    assert "--params needs values" in rejection(":ACME_RUN: --params\n:ACME_RUN_EXP:")


def test_every_problem_is_told_at_once() -> None:
    text = rejection(":ACME_RUN: 'a\n:ACME_MEMORY: 32GB\n:ACME_VCPUS:")

    assert "write 32768" in text
    assert ":ACME_VCPUS: needs a number" in text
    assert "never closed" in text


@pytest.mark.parametrize(
    "message",
    [
        ":ACME_\x1b[31mRUN:",
        ":ACME_RUN\u200b: train",
        ":ACME_RUN:\n:ACME_SWEEP: \x1b[2J",
        ":ACME_RUN:\n:ACME_SWEEP: a=range(\x1b)",
        ":ACME_RUN:\n:ACME_SWEEP: a=x(\u202e)",
        ":ACME_RUN:\n:ACME_SWEEP: a=1\n:ACME_OBJECTIVE: up \x1b]0;x\x07",
        ":ACME_RUN: 'a\u202eb",
    ],
)
def test_what_is_said_of_a_message_moves_no_terminal_and_turns_no_text(message: str) -> None:
    assert rejection(message).isprintable()


def test_a_keyword_with_something_unseen_in_it_is_shown_with_that() -> None:
    assert (
        rejection(":ACME_RUN\u200b:") == "there is no keyword :ACME_RUN\ufffd: - write :ACME_RUN:"
    )


def test_a_null_character_is_rejected_before_it_ends_a_jobs_environment() -> None:
    assert rejection(":ACME_RUN: train\0 -f") == (
        ":ACME_RUN: a null character is nothing that a job can be told: leave it out"
    )


@pytest.mark.parametrize("option", ["--queue", "--no-commit"])
@pytest.mark.parametrize("how", ["", "\n:ACME_RUN_EXP:"])
def test_what_a_job_refuses_is_rejected_before_there_is_a_machine(option: str, how: str) -> None:
    assert rejection(f":ACME_RUN: train {option}{how}").startswith(f":ACME_RUN: {option} ")
