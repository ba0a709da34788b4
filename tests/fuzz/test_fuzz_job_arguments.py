"""Whatever a job is told: it is taken as it stands, or refused with the documented exit code."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container import checkout, parameters
from container.credentials import Credentials
from container.delivery import Delivery, Target
from container.exits import Exit, JobFailed
from container.git import Git
from container.job import Job
from container.masking import Masks, secrets_in
from container.origin import Origin
from container.point import Point
from container.processes import Children, Ended
from container.result import message
from container.settings import Settings
from tests.fuzz.bounds import fuzzed, outcome_of
from tests.fuzz.mutations import HOSTILE_TEXTS, LEAVES, TEXTS, VALUES, mutated

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ENVIRONMENTS = st.text(st.characters(exclude_characters="\0"), max_size=40) | st.sampled_from(
    [text.replace("\0", "") for text in HOSTILE_TEXTS]
)
OPTIONS = st.sampled_from(
    ["--workspace", "--repository", "--branch", "--commit", "--run-id", "--attempt", "--", "-x", ""]
)
# Names as a repository of git's may have them, and as it may not.
HOSTILE_NAMES = [
    *(
        "-x",
        "--upload-pack=touch pwned",
        "--all",
        "-",
        "--",
        "..",
        ".",
        "../x",
        "a/../../b",
        "*",
        "?",
    ),
    *("x;touch pwned", "$(touch pwned)", "`touch pwned`", "a'b", 'a"b', "a b", "a\\b", "a|b&c>d"),
    *(
        "\u00e9\u2603\U0001f600",
        "\u202egnp",
        "x" * 3_000,
        "a:b",
        "a^b",
        "a@{1}",
        "HEAD",
        "refs/heads/x",
    ),
    *("ext::sh -c touch% pwned", "file:///etc/passwd", "@", "[a", "%2e%2e", "a%00b", "{x}", "~"),
]
NAMES = st.sampled_from(HOSTILE_NAMES) | st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30
)


def line(**changes: str) -> list[str]:
    options = {
        "workspace": "team",
        "repository": "churn",
        "branch": "main",
        "commit": COMMIT,
        "run-id": "4f2a",
        "attempt": "1",
    }
    options |= changes
    return [word for name, value in options.items() for word in (f"--{name}", value)]


@fuzzed(2)
@given(
    st.lists(OPTIONS | TEXTS, max_size=14)
    | st.builds(
        lambda name, value: line(**{name: value}),
        st.sampled_from(["workspace", "repository", "branch", "commit", "run-id", "attempt"]),
        TEXTS,
    )
)
def test_a_command_line_is_taken_as_it_stands_or_refused_with_the_usage(words: list[str]) -> None:
    job = outcome_of(lambda: Job.parse(words), JobFailed)
    if isinstance(job, JobFailed):
        assert job.code == Exit.BAD_ARGUMENTS
        assert "usage: python3 job.pyz" in str(job)
        return

    told = dict(zip(words[::2], words[1::2], strict=True))
    assert told == {
        "--workspace": job.workspace,
        "--repository": job.repository,
        "--branch": job.branch,
        "--commit": job.commit,
        "--run-id": job.run_id,
        "--attempt": job.attempt,
    }
    assert all(
        value.isprintable() or not re.search("[\0-\x1f\x7f]", value) for value in told.values()
    )


VARIABLES = st.sampled_from(
    (
        *("CLOUD_RUNNER_PREFIX", "ACME_RUN_ARGS", "ACME_RUN_EXP", "ACME_RUN_COMMAND"),
        *("ACME_INPUT_URI", "ACME_OUTPUT_DIR", "ACME_RUN_CHANGES", "CLOUD_RUNNER_RESULTS_URI"),
        *("CLOUD_RUNNER_CACHE_DIR", "CLOUD_RUNNER_TIMEOUT_SECONDS", "CLOUD_RUNNER_STOP_SECONDS"),
        *("CLOUD_RUNNER_SUBMODULES",),
        *("AWS_BATCH_JOB_ATTEMPT", "AWS_BATCH_JOB_ARRAY_INDEX", "CLOUD_RUNNER_SWEEP"),
        *("WANDB_SWEEP_ID", "WANDB_RUN_ID", "BITBUCKET_GIT_URL", "BITBUCKET_API_URL"),
        *("CLOUD_RUNNER_MASK", "A_TOKEN", "GIT_COMMITTER_NAME"),
    )
)
NUMBERS = st.sampled_from(
    ["0", "-1", "1", "30", "9" * 9, "9" * 5_000, "1.5", "\u0664", " 3", "3 ", "+3"]
)


@fuzzed(2)
@given(st.dictionaries(VARIABLES, ENVIRONMENTS | NUMBERS, max_size=6))
def test_an_environment_is_read_or_refused_in_words(environment: dict[str, str]) -> None:
    Masks().add(*secrets_in(environment))
    settings = outcome_of(lambda: Settings.read(environment), JobFailed)
    if isinstance(settings, JobFailed):
        assert settings.code == Exit.BAD_ARGUMENTS
        assert str(settings).startswith("reading ")
        return

    assert settings.timeout_seconds >= 0
    assert settings.stop_seconds >= 0
    assert settings.try_number >= 0
    if settings.changes is not None:
        assert re.fullmatch(r"refs/[^\s~^:?*\[\\]+", settings.changes[0])
        assert re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", settings.changes[1])


PLAN = {
    "sweep": "4f2a",
    "wave": 1,
    "place": "s3://b/projects/churn/sweeps/4f2a",
    "width": 9,
    "size": 2,
    "objective": "accuracy",
    "target": "",
    "log_to": "s3://b/logs",
}


@fuzzed(2)
@given(
    mutated([PLAN], *PLAN)
    | st.builds(lambda name, value: {**PLAN, name: value}, st.sampled_from(sorted(PLAN)), LEAVES)
    | VALUES,
    st.just("1") | ENVIRONMENTS | NUMBERS,
)
def test_the_plan_of_a_point_is_read_or_refused_in_words(plan: Any, index: str) -> None:
    environment = {"CLOUD_RUNNER_SWEEP": json.dumps(plan), "AWS_BATCH_JOB_ARRAY_INDEX": index}
    point = outcome_of(lambda: Point.read(environment), JobFailed)
    if isinstance(point, JobFailed):
        assert point.code == Exit.BAD_ARGUMENTS
        assert str(point).startswith("reading CLOUD_RUNNER_SWEEP: ")
        return

    assert point is not None
    first, last = point.line
    assert 0 <= first <= last
    assert point.result("x").startswith("s3://b/projects/")
    assert {type(said) for said in (point.objective, point.target, point.log_copy)} == {str}


@fuzzed()
@given(
    st.dictionaries(
        st.sampled_from(["lr", "a.b", "x", "???", "a b", "\0", "-x"]) | TEXTS, LEAVES, max_size=4
    ),
    st.sampled_from(
        ["", "train", "sh -c 'train {args}'", "train {lr} {x} {y}", "{args}", "a{}b {"]
    ),
)
def test_a_points_parameters_are_words_that_a_program_can_be_told_or_refused(
    point: dict[str, Any], command: str
) -> None:
    settings = Settings.read({"ACME_RUN_COMMAND": command, "ACME_RUN_EXP": "1"})
    told = parameters.parse(json.dumps(point).encode())
    words = outcome_of(lambda: parameters.words_of(settings, "name", told), JobFailed)
    if isinstance(words, JobFailed):
        assert words.code == Exit.BAD_ARGUMENTS
        assert str(words).startswith("reading the parameters: ")
        return

    for word in words:
        assert "\0" not in word
        word.encode()
    if not command:
        assert words[0] == "--name"


@fuzzed()
@given(TEXTS | VALUES.map(json.dumps))
def test_credentials_are_of_the_form_or_refused_without_being_shown(text: str) -> None:
    credentials = outcome_of(lambda: Credentials.parse(text), JobFailed)
    if isinstance(credentials, JobFailed):
        assert credentials.code == Exit.BAD_SECRET
        assert len(text) < 12 or text not in str(credentials)
        return

    assert credentials.token.isprintable()


class Told(Children):
    """Starts nothing, and keeps what would have been started: git finds all that it looks for."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[list[str]] = []

    def run(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        finish: bool = False,
        read: bool = False,
        descriptors: Sequence[int] = (),
        until: float = math.inf,
        most: float = math.inf,
    ) -> Ended:
        """Keep a command."""
        self.commands.append(list(command))
        heads = [word for word in command if word.startswith("refs/heads/")]
        listed = "".join(f"{COMMIT}\t{head}\n" for head in heads) if "ls-remote" in command else ""
        return Ended(0, listed.encode(errors="surrogateescape"))

    @property
    def options(self) -> set[str]:
        """The words that a program takes for options."""
        return {
            word.partition("=")[0]
            for command in self.commands
            for word in command[: command.index("--") if "--" in command else None]
            if word.startswith("-")
        }


def told_of(job: Job, folder: Path) -> Told:
    """What git is told while a job is cloned and its results are pushed."""
    children, settings = Told(), Settings.read({"BITBUCKET_GIT_URL": "https://bitbucket.invalid"})
    (folder / "project").mkdir()
    git = Git(children, folder / "project", settings)
    origin = Origin.of(job, settings, None)
    checkout.check_out(git, origin, job, job.results_branch, job.experiment_branch("*", None))
    delivery = Delivery(git, origin, job, until=0, note=lambda _: None)
    delivery.deliver(COMMIT, Target(job.branch, COMMIT))
    git.must("commit", "--message", message(job, settings))
    return children


@pytest.fixture(scope="module")
def options() -> set[str]:
    """The options that git gets for a job of ordinary names."""
    with TemporaryDirectory() as folder:
        return told_of(Job.parse(line()), Path(folder)).options


@fuzzed(0.5)
@given(workspace=NAMES, repository=NAMES, branch=NAMES, run_id=NAMES)
def test_no_name_becomes_an_option_of_git_or_leads_elsewhere(
    options: set[str], workspace: str, repository: str, branch: str, run_id: str
) -> None:
    words = line(workspace=workspace, repository=repository, branch=branch, **{"run-id": run_id})
    job = outcome_of(lambda: Job.parse(words), JobFailed)
    if isinstance(job, JobFailed):
        assert {workspace, repository} & {".", ".."}
        return

    with TemporaryDirectory() as folder:
        told = told_of(job, Path(folder))

    assert told.options == options
    url = urlsplit(Origin.of(job, Settings.read({}), None).url)
    parts = url.path.split("/")
    assert (url.scheme, url.netloc, url.query, url.fragment) == ("https", "bitbucket.org", "", "")
    assert [unquote(part) for part in parts] == ["", workspace, f"{repository}.git"]
    assert not {".", ".."} & set(parts)
