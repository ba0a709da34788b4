"""What requests to S3 need of a policy, and whether one gives it."""

from typing import Any

import pytest

from tests.contracts.s3_policy import Asked, allows, asked

LISTS: dict[str, Any] = {
    "Effect": "Allow",
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::b",
    "Condition": {"StringLike": {"s3:prefix": "projects/faulty-parts/*"}},
}


@pytest.mark.parametrize(
    ("method", "target", "actions"),
    [
        ("GET", "/b?list-type=2&prefix=a/", ["s3:ListBucket"]),
        ("HEAD", "/b/k", ["s3:GetObject"]),
        ("POST", "/b/k?uploads", ["s3:PutObject"]),
        ("PUT", "/b/k?partNumber=1&uploadId=2", ["s3:PutObject"]),
        ("DELETE", "/b/k?uploadId=2", ["s3:AbortMultipartUpload"]),
        ("DELETE", "/b/k", ["s3:DeleteObject"]),
        ("POST", "/b?delete", ["s3:DeleteObject"]),
        ("PUT", "/b", ["s3:CreateBucket"]),
    ],
)
def test_it_is_known_what_a_request_needs(method: str, target: str, actions: list[str]) -> None:
    assert [one.action for one in asked(method, target, {})] == actions


def test_it_is_known_what_a_copy_needs() -> None:
    needed = asked("PUT", "/b/k", {"x-amz-copy-source": "/b/other%20key"})

    assert needed[1] == Asked("s3:GetObject", "arn:aws:s3:::b/other key")


def test_a_list_without_a_prefix_does_not_meet_a_condition_on_it() -> None:
    bucket = "arn:aws:s3:::b"

    assert allows([LISTS], Asked("s3:ListBucket", bucket, "projects/faulty-parts/runs/1"))
    assert not allows([LISTS], Asked("s3:ListBucket", bucket))
    assert not allows([LISTS], Asked("s3:ListBucket", bucket, ""))


def test_a_statement_of_another_kind_is_no_plain_yes() -> None:
    for other in ({"Effect": "Deny"}, {"Condition": {"StringLike": {"aws:userid": "*"}}}):
        with pytest.raises(ValueError, match="not understood"):
            allows([{**LISTS, **other}], Asked("s3:ListBucket", "arn:aws:s3:::b"))


def test_a_list_without_a_prefix_meets_a_condition_that_holds_only_if_there_is_one() -> None:
    bounds = {"s3:prefix": "projects/faulty-parts/*"}
    statement = {**LISTS, "Condition": {"StringLikeIfExists": bounds}}

    assert allows([statement], Asked("s3:ListBucket", LISTS["Resource"]))
    assert not allows([statement], Asked("s3:ListBucket", LISTS["Resource"], "projects/other/"))
