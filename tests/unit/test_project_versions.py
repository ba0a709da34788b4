"""A secret that several people change at once keeps the change of each."""

import contextlib
import json
import time
from functools import partial

import pytest

from cli.account import AccountError
from cli.project.versions import VersionedSecret
from tests.fakes import Crash
from tests.unit.project_fakes import SECRET, Fuse, SecretsManager


def secret(secretsmanager: SecretsManager) -> VersionedSecret:
    return VersionedSecret(secretsmanager, SECRET, sleep=lambda _seconds: None)


def with_name(text: str | None, name: str) -> str:
    return json.dumps(sorted({*json.loads(text or "[]"), name}))


def _add(secretsmanager: SecretsManager, name: str) -> None:
    secretsmanager.set(with_name(secretsmanager.text, name))


def test_a_change_replaces_the_value_and_leaves_no_label_behind() -> None:
    secretsmanager = SecretsManager()
    secretsmanager.set('["a"]')

    assert secret(secretsmanager).change(lambda text: with_name(text, "b"))
    assert json.loads(secretsmanager.text) == ["a", "b"]
    assert set(secretsmanager.labels) == {"AWSCURRENT"}


def test_a_secret_without_a_value_gets_one() -> None:
    secretsmanager = SecretsManager()

    assert secret(secretsmanager).change(lambda text: with_name(text, "b"))
    assert json.loads(secretsmanager.text) == ["b"]
    assert set(secretsmanager.labels) == {"AWSCURRENT"}


def test_nothing_is_written_where_nothing_changes() -> None:
    secretsmanager = SecretsManager()
    secretsmanager.set('["b"]')

    assert not secret(secretsmanager).change(lambda text: with_name(text, "b"))
    assert not secret(secretsmanager).change(lambda _text: None)
    assert len(secretsmanager.versions) == 1


def test_whoever_is_slower_looks_again_and_both_changes_stay() -> None:
    secretsmanager = SecretsManager()
    secretsmanager.set('["a"]')
    for name in ("x", "y", "z"):
        secretsmanager.before_move.append(partial(_add, secretsmanager, name))

    assert secret(secretsmanager).change(lambda text: with_name(text, "b"))
    assert json.loads(secretsmanager.text) == ["a", "b", "x", "y", "z"]
    assert set(secretsmanager.labels) == {"AWSCURRENT"}


def test_two_first_values_at_once_lose_nothing() -> None:
    secretsmanager = SecretsManager()
    theirs = secret(secretsmanager)
    read: list[bool] = []

    def change(text: str | None) -> str:
        if not read:
            read.append(theirs.change(lambda text: with_name(text, "theirs")))
        return with_name(text, "mine")

    secret(secretsmanager).change(change)

    assert json.loads(secretsmanager.text) == ["mine", "theirs"]


def test_an_unending_race_is_given_up() -> None:
    secretsmanager = SecretsManager()
    secretsmanager.set("[]")
    for number in range(20):
        secretsmanager.before_move.append(partial(secretsmanager.set, f'["{number}"]'))

    with pytest.raises(AccountError, match="10 times"):
        secret(secretsmanager).change(lambda text: with_name(text, "b"))


def test_a_command_killed_anywhere_stands_in_nobodys_way_and_its_label_goes_later() -> None:
    for calls in range(6):
        secretsmanager = SecretsManager()
        secretsmanager.set('["a"]')
        secretsmanager.fuse = Fuse(calls)
        with contextlib.suppress(Crash):
            secret(secretsmanager).change(lambda text: with_name(text, "b"))
        secretsmanager.fuse = Fuse()

        secret(secretsmanager).change(lambda text: with_name(text, "c"))

        assert {"a", "c"} <= set(json.loads(secretsmanager.text))


def test_labels_of_commands_killed_long_ago_are_cleared_away_and_others_stay() -> None:
    secretsmanager = SecretsManager()
    secretsmanager.set("[]")
    old, new = (f"cloud-runner-{int(time.time()) - age:x}-ab" for age in (3600, 10))
    secretsmanager.labels |= dict.fromkeys((old, new, "AWSPENDING", "cloud-runner-x"), "version-0")

    secret(secretsmanager).change(lambda text: with_name(text, "b"))

    assert set(secretsmanager.labels) == {"AWSCURRENT", "AWSPENDING", new, "cloud-runner-x"}


def test_more_than_secrets_manager_takes_is_refused_before_anything_is_written() -> None:
    secretsmanager = SecretsManager()
    secretsmanager.set("[]")
    most = "ä" * 32_768

    assert secret(secretsmanager).change(lambda _text: most)
    with pytest.raises(AccountError, match=r"hold 65,537 bytes.*takes 65,536"):
        secret(secretsmanager).change(lambda _text: f"{most}a")

    assert secretsmanager.text == most
    assert set(secretsmanager.labels) == {"AWSCURRENT"}
