"""Changing a secret that others change, at an implementation of Secrets Manager not our own."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cli.project import authorised
from cli.project.own_secrets import OwnSecrets
from cli.project.register import Register
from cli.project.versions import VersionedSecret

NAME = "acme/testing/bitbucket-webhook-uuids"


@pytest.fixture
def secretsmanager() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client(
            "secretsmanager", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        yield client
        client.close()


def register(secretsmanager: Any, full_name: str) -> Register:
    return Register(VersionedSecret(secretsmanager, NAME, sleep=lambda _s: None), full_name)


def labels(secretsmanager: Any) -> set[str]:
    told = secretsmanager.describe_secret(SecretId=NAME)["VersionIdsToStages"]
    return {label for stages in told.values() for label in stages}


@pytest.mark.parametrize("first", [{}, {"SecretString": "{}"}])
def test_an_entry_is_stored_and_dropped_and_no_label_stays(
    secretsmanager: Any, first: dict[str, str]
) -> None:
    secretsmanager.create_secret(Name=NAME, **first)
    one = register(secretsmanager, "acme/one")

    stored = one.enter("a", "s3cret", repository_uuid="{u}")
    again = one.enter("A", "another", repository_uuid="{u}")
    one.forget({"a"})

    assert (stored, again) == ("s3cret", "s3cret")
    assert one.mentioned() == frozenset()
    assert labels(secretsmanager) == {"AWSCURRENT", "AWSPREVIOUS"}


class OneCallAtATime:
    """A client whose calls are atomic, as Secrets Manager's: moto looks, and then moves a label."""

    def __init__(self, secretsmanager: Any) -> None:
        self._secretsmanager = secretsmanager
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        def call(**asked: Any) -> Any:
            with self._lock:
                return getattr(self._secretsmanager, name)(**asked)

        return call


def test_entries_of_many_people_at_once_all_survive(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name=NAME, SecretString="{}")
    gate, shared = threading.Barrier(8), OneCallAtATime(secretsmanager)

    def enter(number: int) -> None:
        gate.wait()
        one = register(shared, f"acme/project-{number}")
        one.enter(f"hook-{number}", "s3cret", repository_uuid=f"{{{number}}}")

    threads = [threading.Thread(target=partial(enter, number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    content = json.loads(VersionedSecret(secretsmanager, NAME).read().text or "")
    assert set(content) == {f"hook-{number}" for number in range(8)}
    assert labels(secretsmanager) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_secret_that_does_not_exist_is_said(secretsmanager: Any) -> None:
    with pytest.raises(Exception, match="changing the secret"):
        register(secretsmanager, "acme/one").enter("a", "s3cret", repository_uuid="{u}")


def test_the_older_form_stays_as_it_is(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name=NAME, SecretString='["a"]')

    with pytest.raises(authorised.UnknownFormError, match="older form"):
        register(secretsmanager, "acme/one").enter("b", "s3cret", repository_uuid="{u}")
    assert secretsmanager.get_secret_value(SecretId=NAME)["SecretString"] == '["a"]'


def test_a_secret_of_a_projects_own_is_made_told_from_others_and_deleted(
    secretsmanager: Any,
) -> None:
    secrets = OwnSecrets(secretsmanager)
    secretsmanager.create_secret(Name="theirs", SecretString="x")
    arn = secrets.store("ours", "1", "ours", {"repository": "one"})
    again = secrets.store("ours", "2", "ours", {"repository": "one"})
    secrets.store("theirs", "y", "theirs", {})
    ours, theirs = secrets.find("ours"), secrets.find("theirs")
    text = secrets.text("ours")
    secrets.delete("ours")

    assert arn == again
    assert text == "2"
    assert ours is not None
    assert theirs is not None
    assert (ours.is_ours, theirs.is_ours) == (True, False)
    assert (secrets.find("ours"), secrets.text("ours")) == (None, None)


def test_a_secret_about_to_be_deleted_is_none_and_comes_back_with_a_new_value(
    secretsmanager: Any,
) -> None:
    secrets = OwnSecrets(secretsmanager)
    secrets.store("ours", "1", "ours", {})
    secretsmanager.delete_secret(SecretId="ours")
    before = (secrets.find("ours"), secrets.text("ours"))
    secrets.store("ours", "2", "ours", {})

    assert before == (None, None)
    assert secrets.text("ours") == "2"
