"""An event is itself again when it has been sent as text; a status fits whatever a record says."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.statuses import Links, status
from shared.events import (
    Asked,
    CommitPushed,
    Envelope,
    Event,
    Person,
    Progress,
    Repository,
    RunId,
    RunRequested,
    Sweep,
    enclose,
)
from shared.runs import Run, Stop, state_changed
from tests.fuzz.bounds import fuzzed
from tests.fuzz.mutations import TEXTS
from tests.samples import NAMES, NOW, a_job, a_run

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

# Half a character comes through no queue and no table: JSON's reader refuses it.
TELLABLE = TEXTS.filter(lambda text: not re.search("[\ud800-\udfff]", text)) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=30
)
SOME = TELLABLE.filter(bool)
# An event tells milliseconds.
MOMENTS = st.integers(0, 221_845_000_000_000).map(
    lambda milliseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
REPOSITORIES = st.builds(
    Repository,
    uuid=TELLABLE,
    full_name=st.from_regex(r"[^/\s]{1,300}/[^/\s]{1,300}", fullmatch=True).filter(
        lambda name: not {".", ".."} & set(name.split("/"))  # no repository is called so
    ),
)
PEOPLE = st.builds(Person, id=st.none() | TELLABLE, name=st.none() | TELLABLE)
COMMITS = st.builds(
    CommitPushed,
    repository=REPOSITORIES,
    branch=SOME,
    commit=SOME,
    message=TELLABLE,
    keywords_cut=st.booleans(),
    pushed_by=PEOPLE,
    pushed_at=MOMENTS,
)
REQUESTS = st.builds(RunRequested, run_id=SOME.map(RunId), attempt=st.integers(1, 10**9))
# SendMessage, API reference.
NOT_TAKEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@fuzzed(2)
@given(COMMITS | REQUESTS)
def test_an_event_read_back_is_itself(event: Event) -> None:
    body = enclose(event)

    assert NOT_TAKEN.search(body) is None
    envelope = Envelope.read(body, "AROAX:someone")
    assert (envelope.detail_type, envelope.source) == (type(event).__name__, "cloud-runner")
    assert type(event).model_validate(envelope.detail) == event
    assert type(event).model_validate_json(event.detail()) == event
    assert type(event).model_validate(json.loads(event.detail())) == event


RUNS = st.builds(
    lambda repository, branch, commit, reason, arguments, attempt, state, stop, job_id, points: (
        a_run(
            repository=repository,
            branch=branch,
            commit=commit,
            reason=reason,
            attempt=attempt,
            state=state,
            job=a_job(attempt, job_id) if job_id else None,
            stop=Stop(by=stop, why=stop, attempt=attempt, at=NOW) if stop else None,
            asked=Asked(arguments=arguments)
            if points is None
            else Asked(sweep=Sweep(sweep_id="s", size=9, space=points, objective=points)),
            progress=None if points is None else Progress(size=9, best="0.5", looked_at=NOW),
        )
    ),
    REPOSITORIES,
    SOME,
    SOME,
    st.none() | TELLABLE,
    st.none() | TELLABLE,
    st.integers(1, 10**9),
    st.sampled_from(
        ["requested", "submitted", "running", "succeeded", "failed", "stopped", "rejected"]
    ),
    st.none() | TELLABLE,
    st.none() | TELLABLE,
    st.none() | TELLABLE,
)


@fuzzed(2)
@given(RUNS)
def test_a_status_is_within_bitbuckets_limits_whatever_the_record_says(run: Run) -> None:
    posted = status(run, Links("eu-west-1"), NAMES.stack)

    assert 0 < len(posted["key"]) <= 40
    for field in ("name", "description"):
        assert 0 < len(posted[field]) <= 255
        assert posted[field].isprintable()
    url = posted["url"]
    assert len(url) <= 450
    assert url.isascii()
    assert not re.search(r"[{}\s\x00-\x1f\x7f<>\"]|%(?![0-9A-F]{2})", url)
    assert urlsplit(url).hostname in ("bitbucket.org", "eu-west-1.console.aws.amazon.com")
    assert posted["refname"] == run.branch
    json.dumps(posted).encode()


@fuzzed()
@given(RUNS)
def test_a_record_is_itself_again_and_so_is_the_event_that_tells_of_it(run: Run) -> None:
    assert Run.model_validate_json(run.model_dump_json(by_alias=True)) == run

    told = state_changed(run)
    assert type(told).model_validate_json(told.detail()) == type(told).model_validate(
        told.model_dump(by_alias=True)
    )
