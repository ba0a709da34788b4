"""Which texts the job hides, in which forms, and which it leaves alone."""

import base64
import json
import os
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.masking import FEW, Masks, secrets_in

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\nabc\n-----END KEY-----\n"


def masks(*secrets: str) -> Masks:
    hiding = Masks()
    hiding.add(*secrets)
    return hiding


@pytest.mark.parametrize(
    "written",
    [
        "p/ss w+rd é",
        quote("p/ss w+rd é"),
        quote("p/ss w+rd é", safe=""),
        quote_plus("p/ss w+rd é"),
        quote("p/ss w+rd é", safe="").lower(),
        json.dumps("p/ss w+rd é")[1:-1],
        base64.b64encode("p/ss w+rd é".encode()).decode(),
        base64.urlsafe_b64encode("p/ss w+rd é".encode()).decode(),
    ],
)
def test_a_secret_is_hidden_in_each_form(written: str) -> None:
    assert masks("p/ss w+rd é").hide(f"it is <{written}>.") == "it is <***>."


def test_a_secret_with_quotes_is_hidden_as_json_and_python_write_it() -> None:
    secret = "s\"e\\c'ret\t1"
    hiding = masks(secret)

    assert hiding.hide(json.dumps({"token": secret})) == '{"token": "***"}'
    assert hiding.hide(repr([secret])) == "['***']"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "x-token-auth"])
def test_a_login_in_an_http_header_is_hidden_whoever_the_user_is(user: str) -> None:
    header = base64.b64encode(f"{user}:t0psecrettoken".encode()).decode()

    shown = masks("t0psecrettoken").hide(f"Authorization: Basic {header}")

    encoded = shown.split()[-1]
    assert "***" in encoded
    left = encoded.replace("***", "").rstrip("=")
    assert len(left) <= -(-len(f"{user}:") * 8 // 6) + 1


def test_each_long_line_of_a_secret_is_hidden_by_itself() -> None:
    shown = masks(KEY).hide(KEY.replace("\n", "\n> "))

    assert shown.splitlines() == ["***", "> ***", "> ***", "> abc", "> ***", "> "]


def test_the_longest_form_wins_and_overlapping_ones_are_hidden_as_one() -> None:
    assert masks("secret", "secret-and-more").hide("secret-and-more secret") == "*** ***"
    assert masks("abcdefgh", "efghijkl").hide("-abcdefghijkl-") == "-***-"
    assert masks("abcabcabc").hide("abcabcabcabc!abcabc") == "***!abcabc"


@pytest.mark.parametrize("short", ["", " ", "12345", "abc", "\n\n", "  abc  "])
def test_short_values_would_shred_the_log_and_are_not_hidden(short: str) -> None:
    assert masks(short).hide("12345 abc, and more") == "12345 abc, and more"


def test_white_space_around_a_secret_does_not_matter() -> None:
    assert masks("t0psecret\n").hide("t0psecret is it") == "*** is it"


SECRETS = st.lists(st.text(alphabet="ab:/é\n", min_size=6, max_size=12), min_size=1, max_size=4)


@given(SECRETS, st.lists(st.text(alphabet="ab:/é"), max_size=6), st.data())
def test_no_secret_is_left_wherever_it_stands(
    secrets: list[str], between: list[str], data: st.DataObject
) -> None:
    text = "".join(word + data.draw(st.sampled_from(secrets)) for word in [*between, ""])
    shown = masks(*secrets).hide(text)

    stripped = {secret.strip() for secret in secrets}
    assert not [secret for secret in stripped if len(secret) >= 6 and secret in shown]


@given(SECRETS, st.text(alphabet="ab:/é"), st.data())
def test_what_is_settled_is_hidden_as_in_the_whole_text_whatever_follows(
    secrets: list[str], text: str, data: st.DataObject
) -> None:
    hiding = masks(*secrets)
    whole = text + data.draw(st.sampled_from(secrets)) + data.draw(st.text(alphabet="ab:/é"))
    cut = data.draw(st.integers(0, len(whole)))
    settled = hiding.settled(whole[:cut])
    first, rest = whole[:settled], whole[settled:]
    apart = hiding.hide(first) + hiding.hide(rest, before=first[-FEW:])

    assert settled <= cut
    assert hiding.hide(rest, before=first[-FEW:]) == hiding.hide(rest, before=first)
    assert not [found for found in secrets if len(found.strip()) >= 6 and found.strip() in apart]


def test_a_text_that_cannot_begin_a_secret_is_settled_whole() -> None:
    assert masks("s3cr3t-x").settled("Continue? [y/n] ") == 16
    assert Masks().settled("anything") == 8


@pytest.mark.parametrize(
    "name",
    [
        "WANDB_API_KEY",
        "OPENAI_APIKEY",
        "HF_TOKEN",
        "token",
        "DB_PASSWORD",
        "PGPASSWD",
        "CLIENT_SECRET",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "SSH_PRIVATE_KEY",
        "GCP_CREDENTIAL",
        "BITBUCKET_AUTH",
    ],
)
def test_a_variable_whose_name_says_so_is_secret(name: str) -> None:
    expected = [] if name == "PGPASSWD" else ["0123abcdef"]  # PASSWD is no word of its own there

    assert secrets_in({name: "0123abcdef"}) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TOKENS", "1048576"),
        ("TOKENIZERS_PARALLELISM", "notquite"),
        ("GIT_AUTHOR_NAME", "Someone Else"),
        ("KEYBOARD", "qwertz"),
        ("TOKEN_FILE", "/nowhere/token"),
        ("PASSWORD_URL", "https://vault.example/x"),
        ("AUTH_TYPE", "kerberos"),
        ("TOKEN_LIMIT", "1000000"),
        ("USE_TOKEN", "True"),
        ("AUTH", "disabled"),
        ("TOKEN", "12345"),
        ("TOKEN", ""),
        ("GOOGLE_CREDENTIALS", "/usr"),
    ],
)
def test_what_is_plainly_no_secret_is_left(name: str, value: str) -> None:
    assert secrets_in({name: value}) == []


def test_a_file_that_is_there_is_no_secret_but_a_very_long_value_may_be(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text("{}")

    found = secrets_in({"CREDENTIAL": str(file), "TOKEN": "x" * 5000, "AUTH": f"{file}\0"})

    assert found == ["x" * 5000, f"{file}\0"]


def test_variables_that_the_job_definition_names_are_secret_whatever_they_are() -> None:
    named = {"CLOUD_RUNNER_MASK": "SEED, LICENCE_FILE", "SEED": "123456", "LICENCE_FILE": "/usr/x"}

    assert secrets_in(named) == ["123456", "/usr/x"]


def test_of_a_json_secret_its_own_secrets_are_hidden_too() -> None:
    value = {"kind": "service_account", "private_key": KEY, "auth": {"token": "t0psecret"}}

    found = secrets_in({"GCP_CREDENTIALS": json.dumps(value), "DB_SECRET": "{no json"})

    assert found == [json.dumps(value), KEY, "t0psecret", "{no json"]


def test_the_password_of_an_address_is_secret_in_any_variable() -> None:
    found = secrets_in(
        {
            "DATABASE_URL": "postgres://someone:hunter2@db.example/x",
            "PLAIN": "https://docs.example/@v1",
            "BROKEN": "http://[x@:y",
        }
    )

    assert found == ["hunter2"]


def test_a_secret_of_any_bytes_can_be_hidden() -> None:
    secret = os.fsdecode(b"k\xffy of bytes")

    assert masks(secret).hide(f"<{secret}> <k%FFy%20of%20bytes>") == "<***> <***>"


def test_the_environment_of_this_process_can_be_read() -> None:
    assert isinstance(secrets_in(os.environ), list)
