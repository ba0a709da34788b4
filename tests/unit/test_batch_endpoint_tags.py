"""A job's tags in what Batch tells of it."""

from datetime import UTC, datetime

from local.batch.arns import Account
from local.batch.events import state_change
from local.batch.shapes import Document


def test_an_event_has_the_jobs_tags_and_its_arn_among_them() -> None:
    detail: Document = {"jobArn": "arn:job", "tags": {"repository": "churn"}}
    event = state_change(Account("123456789012", "eu-west-1"), detail, datetime.now(UTC))

    assert event["detail"] == {
        "jobArn": "arn:job",
        "tags": {"resourceArn": "arn:job", "repository": "churn"},
    }
