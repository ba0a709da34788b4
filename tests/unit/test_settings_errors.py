"""What a forgotten or malformed variable says, and when."""

import pytest

from services.parser.app import ParserSettings
from services.submitter.app import SubmitterSettings
from services.webhook.app import WebhookSettings
from shared.entry import Handler, entry

GOOD = {
    "AWS_REGION": "eu-west-1",
    "AUTHORISED_HOOKS_SECRET": "a",
    "KEYWORD_PREFIX": "ACME",
    "PUSHES_QUEUE_URL": "https://sqs.invalid/pushes",
    "REQUIRE_SIGNATURE": "true",
}
SUBMITTER = {
    "DATA_BUCKET": "data",
    "SWEEPS_QUEUE_URL": "sweeps",
    "AWS_REGION": "eu-west-1",
    "ENVIRONMENT": "testing",
    "EVENT_BUS": "bus",
    "GPU_JOB_QUEUE": "gpu-queue",
    "JOB_QUEUE": "queue",
    "KEYWORD_PREFIX": "ACME",
    "LEASE_SECONDS": "330",
    "ORGANIZATION": "acme",
    "RUNS_QUEUE_URL": "url",
    "RUNS_TABLE": "table",
    "UNSEEN_SECONDS": "600",
}


def test_a_field_is_the_variable_of_its_name() -> None:
    settings = WebhookSettings.from_environment({**GOOD, "UNRELATED": "x", "LOG_LEVEL": "DEBUG"})

    assert settings.pushes_queue_url == "https://sqs.invalid/pushes"
    assert settings.require_signature is True
    assert settings.log_level == "DEBUG"
    assert settings.aws_xray_daemon_address is None


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_require_signature_is_the_stack_parameters_text(text: str, *, value: bool) -> None:
    settings = WebhookSettings.from_environment({**GOOD, "REQUIRE_SIGNATURE": text})

    assert settings.require_signature is value


@pytest.mark.parametrize("missing", GOOD)
def test_a_missing_variable_ends_the_start_and_is_named(missing: str) -> None:
    with pytest.raises(SystemExit, match=missing):
        WebhookSettings.from_environment({k: v for k, v in GOOD.items() if k != missing})


def test_an_empty_variable_is_a_missing_one() -> None:
    with pytest.raises(SystemExit, match="KEYWORD_PREFIX"):
        WebhookSettings.from_environment({**GOOD, "KEYWORD_PREFIX": ""})


def test_every_wrong_variable_is_named_at_once() -> None:
    with pytest.raises(SystemExit) as error:
        ParserSettings.from_environment({"MAX_GPUS": "many", "AWS_REGION": "eu-west-1"})

    text = str(error.value)
    assert "MAX_GPUS: Input should be a valid integer" in text
    assert "MAX_VCPUS: Field required" in text
    assert "AWS_REGION" not in text


@pytest.mark.parametrize(("text", "value"), [("", None), ("team", "team")])
def test_a_share_identifier_is_optional(text: str, value: str | None) -> None:
    settings = SubmitterSettings.from_environment({**SUBMITTER, "SHARE_IDENTIFIER": text})

    assert settings.share_identifier == value


def test_outside_lambda_a_handler_is_built_at_its_first_call_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    built = []

    def build() -> Handler:
        built.append(1)
        return lambda event, _context: event

    handler = entry(build)

    assert built == []
    assert handler({"n": 1}, None) == handler({"n": 1}, None) == {"n": 1}
    assert built == [1]


def test_inside_lambda_a_handler_is_built_at_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "parser")

    def build() -> Handler:
        return WebhookSettings.from_environment({})  # type: ignore[return-value] # it ends before

    with pytest.raises(SystemExit):
        entry(build)
