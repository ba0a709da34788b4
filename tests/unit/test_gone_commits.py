"""When a 404 of Bitbucket's about a commit is believed."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from shared.bitbucket_refusals import NotFound
from shared.errors import Unavailable
from shared.gone import believe_gone
from shared.telemetry import log
from tests.samples import COMMIT, NOW, REPOSITORY, a_run

MISSING = NotFound("posting build status: 404")


@pytest.mark.parametrize("seconds", [-5, 0, 60, 599])
def test_a_commit_is_looked_for_again_within_ten_minutes(seconds: float) -> None:
    with pytest.raises(Unavailable, match="404: the commit may not be visible yet") as doubted:
        believe_gone(a_run(), MISSING, NOW, NOW + timedelta(seconds=seconds))

    assert doubted.value.retry_after == 60


def test_after_ten_minutes_it_is_gone_and_the_log_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(vars(log), "bind", raising=False)  # the proxy keeps its first logger
    with capture_logs() as lines:
        believe_gone(a_run(), MISSING, NOW, NOW + timedelta(minutes=10))

    (line,) = lines
    told = (line["event"], line["repository"], line["commit"])
    assert told == ("commit gone", REPOSITORY.full_name, COMMIT)
