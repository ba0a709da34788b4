"""Names and texts of others, where they become lines of a log or a page, or parts of a path."""

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cli.main import cloud_runner, main
from cli.remote.machine import MachineFacts
from cli.shown import printable_lines, table
from cli.sweep.fetching import _EXPERIMENT
from container.report_text import shown as shown_in_a_report
from services.notifier.statuses import Links, status
from services.sweeper.report import report
from shared.errors import Unavailable
from shared.events import Asked, Progress, Repository, RunId, Sweep
from shared.lines import one_line
from shared.names import Names
from shared.points import Place
from shared.settings import Settings
from shared.telemetry import bind_run, configure, log, record
from tests.samples import NAMES, NOW, a_job, a_run
from tests.unit.conftest import fresh_logging

WILD = 'x\x1b[2J\x1b]0;title\x07\x9b1A\r\b\u202e"}\n{"event": "run read", "level": "forged"}'
TEXTS = [WILD, "\n\n\n", "\x00", "\ud800", "\u2028\u2029", '"', "\\", "{}", "%s %(x)s {0}"]
JOINERS = str.maketrans("", "", "\u200c\u200d")
# What may be no part of a name that becomes one of a path, an ARN or a key.
NO_NAME = st.text(max_size=40)


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def as_in_a_new_process() -> Iterator[None]:
    """Logging is set up anew."""
    fresh_logging()
    yield
    fresh_logging()


@pytest.mark.usefixtures("as_in_a_new_process")
@pytest.mark.parametrize("text", TEXTS)
def test_no_text_makes_two_lines_of_a_log_line_or_adds_a_field(text: str) -> None:
    stream = io.StringIO()
    configure("webhook", Settings(aws_region="eu-west-1"), stream)

    with record(text, text):
        bind_run(text)
        log.warning("webhook refused", reason=text, branch=text, doing=text)

    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["branch"]) == ("webhook refused", "warning", text)
    assert told.keys() == {
        *("event", "level", "timestamp", "service", "message_id", "trace_id", "run_id"),
        *("reason", "branch", "doing"),
    }
    assert line.isascii()


@pytest.mark.usefixtures("as_in_a_new_process")
def test_on_a_terminal_a_log_line_stays_one_line_and_does_nothing() -> None:
    stream = Terminal()
    configure("webhook", Settings(aws_region="eu-west-1"), stream)

    with record(WILD):
        log.warning("webhook refused", branch=WILD)

    shown = stream.getvalue()
    assert shown.count("\n") == 1
    for trap in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\b", "\r"):
        assert trap not in shown


@pytest.mark.parametrize("error", [click.ClickException(WILD), Unavailable(WILD)])
def test_an_error_that_quotes_others_is_text_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("cli.main.signal.signal", lambda *_: None)
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "argv", ["cloud-runner", "x"])
    monkeypatch.setitem(cloud_runner.commands, "x", click.Command("x", callback=fail))
    with pytest.raises(SystemExit):
        main()

    said = capsys.readouterr().err
    assert "x\\x1b[2J" in said
    assert "".join(said.split("\n")).isprintable()


def test_a_machine_is_called_by_its_tag_without_what_a_terminal_obeys() -> None:
    machine = MachineFacts("i-0a", "running", "t3.micro", "spot", NOW, "ami-1", "", name=WILD)

    assert machine.told.isprintable()


def test_the_head_of_a_table_may_be_of_others_and_is_text_as_its_rows_are() -> None:
    """The names of metrics and parameters are heads of the table of a sweep's results."""
    lines = list(table(["POINT", WILD], [["1/0", WILD]]))

    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def wild_run(**changes: Any) -> Any:
    return a_run(state="failed", reason=WILD, branch=WILD, asked=Asked(arguments=WILD), **changes)


def test_a_build_status_shows_only_what_can_be_seen() -> None:
    posted = status(wild_run(), Links("eu-west-1"), NAMES.stack)

    assert posted["name"].isprintable()
    assert posted["description"].isprintable()
    assert posted["description"].startswith("failed: x�[2J")


def test_a_status_leads_to_a_page_that_asks_who_you_are() -> None:
    """A link that leaks leads to AWS's console or to Bitbucket, and is signed by nobody."""
    for run in (wild_run(), wild_run(job=a_job(job_id="job-1"))):
        url = status(run, Links("eu-west-1"), NAMES.stack)["url"]
        assert url.startswith(
            ("https://eu-west-1.console.aws.amazon.com/", "https://bitbucket.org/")
        )
        assert "X-Amz" not in url
        assert "Signature" not in url


def test_a_sweeps_comment_shows_only_what_can_be_seen() -> None:
    sweep = Sweep(sweep_id="s", size=2, space=WILD, objective=WILD)
    progress = Progress(size=2, failed=2, best="0.9", looked_at=NOW)
    text = report(wild_run(progress=progress), sweep, [], [], WILD)

    assert "".join(text.split("\n")).isprintable()
    assert not any(line.startswith('{"event"') for line in text.splitlines())


@settings(deadline=None)  # a busy machine is no fault
@given(st.text())
def test_a_line_of_a_page_is_one_line_of_what_can_be_seen(text: str) -> None:
    assert one_line(text, 50).translate(JOINERS).isprintable()
    assert len(one_line(text, 50)) <= 50
    assert shown_in_a_report(text).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: a verb and its prefix
        "PDF\u200c\u0647\u0627",  # Persian: a plural of what is written in Latin
        "\U0001f469\u200d\U0001f4bb \u2764\ufe0f\u200d\U0001f525",  # emoji of several parts
    ],
)
def test_joiners_stay_where_they_join_what_is_written(text: str) -> None:
    assert one_line(text, 50) == text


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
@pytest.mark.parametrize(
    "text", ["ma{}in", "{}\u06cc", "\u06cc{}", "\u06cc {}\u06cc", "\u06cc{}\x00"]
)
def test_joiners_that_join_nothing_are_shown(text: str, joiner: str) -> None:
    shown = one_line(text.format(joiner), 50)

    assert joiner not in shown
    assert "\N{REPLACEMENT CHARACTER}" in shown


def test_of_joiners_in_a_row_none_stays() -> None:
    assert one_line("\u06cc\u200d\u200d\u06cc", 50) == "\u06cc��\u06cc"


def test_what_git_lists_behind_tabs_is_a_list_on_a_terminal_too() -> None:
    said = (
        "error: The following untracked working tree files would be overwritten by checkout:\n"
        "\tdata.csv\n\tmodels/\x1b[2J.pkl\n"
        "Please move or remove them before you switch branches."
    )

    assert printable_lines(said).splitlines()[1:3] == [
        "        data.csv",
        "        models/\\x1b[2J.pkl",
    ]


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/main",
        "refs/exps/stash",
        "refs/exps/celery/stash",
        "refs/exps/exec/EXEC_BASELINE",
        "refs/exps/01/23/name",
        "refs/exps/*",
        f"refs/exps/{'0' * 2}/{'1' * 38}/*",
        f"refs/exps/{'0' * 2}/{'1' * 38}/a/../../../heads/main",
        f"refs/exps/{'0' * 2}/{'1' * 38}/",
        "--upload-pack=touch pwned",
        "",
    ],
)
def test_of_a_points_bundle_nothing_but_an_experiment_is_fetched(ref: str) -> None:
    """A bundle's heads are what the code of the point has written into it."""
    assert not _EXPERIMENT.fullmatch(ref)


def test_an_experiment_of_dvcs_is_one() -> None:
    assert _EXPERIMENT.fullmatch(f"refs/exps/{'0a' * 1}/{'1' * 38}/4f2a77c1-1-7")


@settings(deadline=None)  # a busy machine is no fault
@given(NO_NAME)
@example("..")
@example(".")
def test_no_name_of_a_repository_leads_out_of_its_folder(name: str) -> None:
    """A slug is what is behind the one slash of a full name, and holds none itself."""
    try:
        repository = Repository(uuid="{x}", full_name=f"team/{name}")
    except ValueError:
        return

    place = Place(repository.slug, "s")
    assert "/" not in repository.slug
    assert place.folder.startswith("projects/")
    assert place.folder.count("/") == Place("slug", "s").folder.count("/")
    assert not {".", ".."} & set(place.folder.split("/"))


@pytest.mark.parametrize("full_name", ["team/..", "team/.", "../churn", "./churn"])
def test_a_repository_is_not_called_as_a_way_out_of_a_folder(full_name: str) -> None:
    with pytest.raises(ValueError, match="way out"):
        Repository(uuid="{x}", full_name=full_name)


def test_a_repository_may_begin_with_a_dot() -> None:
    assert Repository(uuid="{x}", full_name="team/..x").slug == "..x"


@settings(deadline=None)  # a busy machine is no fault
@given(NO_NAME, NO_NAME)
def test_names_of_jobs_are_plain_whatever_repository_and_commit_are_called(
    slug: str, commit: str
) -> None:
    names = Names("acme", "testing")
    made = (names.job(slug, commit, RunId("7" * 24), 1), names.job_definition(slug))

    for name in made:
        assert len(name) <= 128
        assert name.replace("-", "").replace("_", "").isalnum()
        assert name.isascii()
