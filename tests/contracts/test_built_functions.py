"""What `sam build` makes: it loads and works with nothing but its artifact and the layer."""

import json
import os
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from local.artifacts import build
from local.aws import clean_environment, credentials
from local.layout import PROJECT, Tools
from shared.runs import Run
from tests.contracts.aws_calls import clients_made
from tests.contracts.aws_stub import Answers, Stub, answering
from tests.contracts.wiring import Function, function_of, functions

TOOLS = Tools()
SERVICES = sorted(function.service for function in functions())
AARCH64 = 0xB7  # e_machine of ELF: elf.h, EM_AARCH64
SECRET = "sample-webhook-secret"
STATUS_PATH = "/2.0/repositories/acme/faulty-parts/commit/{}/statuses/build"


def _json(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((PROJECT / "events" / name).read_text(encoding="utf-8"))
    return read


CHANGED = _json("samples/RunStateChanged.json")["detail"]
PUSHED = _json("samples/CommitPushed.json")["detail"]
DESCRIBED = _json("samples/JobDescribed.json")["detail"]
ENDS = ("submitted_at", "started_at", "stopped_at", "reason", "exit_code")


def _record(**changes: object) -> dict[str, Any]:
    """The sample's run as an item of the table, before its job ended."""
    run = Run.model_validate({k: v for k, v in {**CHANGED, **changes}.items() if v is not None})
    fields = run.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {name: TypeSerializer().serialize(value) for name, value in fields.items()}


REQUESTED = _record(state="requested", job=None, **dict.fromkeys(ENDS))
CLAIMED = _record(
    state="requested",
    job={k: v for k, v in CHANGED["job"].items() if k in ("name", "queue", "definition")},
    **dict.fromkeys(ENDS),
)
SUBMITTED = _record(state="submitted", **dict.fromkeys(ENDS[1:]))
STORED: Answers = {
    "PutItem": [{}],
    "UpdateItem": [{}],
    "PutEvents": [{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}],
    "SendMessageBatch": [{"Successful": [], "Failed": []}],
}
HOOKS = json.dumps(
    {_json("webhook.json")["headers"]["x-hook-uuid"]: {"secret": SECRET, "repository": "acme/x"}}
).replace("acme/x", "acme/faulty-parts")


@dataclass(frozen=True)
class Built:
    """The artifacts of one build."""

    folder: Path

    @property
    def layer(self) -> Path:
        """The layer's folder; its packages are in `python`."""
        return self.folder / "SharedLayer"

    def artifact(self, function: Function) -> Path:
        """A function's folder."""
        return self.folder / function.logical_id


@pytest.fixture(scope="session")
def built() -> Built:
    """Built for the emulator's interpreter, which is bare."""
    return Built(build(TOOLS))


@pytest.fixture(scope="session")
def built_for_aws(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built for Lambda, as `make build` does."""
    folder = tmp_path_factory.mktemp("sam-build")
    done = subprocess.run(
        [TOOLS.sam, "build", "--build-dir", folder / "build"],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Built(folder / "build")


def _run(
    built: Built,
    function: Function,
    event: object,
    *,
    layer: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(TOOLS.emulator_python, "-I", "-S", "-B", PROJECT / "tests/contracts/bare.py"),
            *(built.artifact(function), layer or built.layer, function.declared["Handler"]),
        ],
        input=json.dumps(event),
        env={
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_FUNCTION_NAME": function.logical_id,  # it then builds as it loads
            **credentials(),
            **(settings or {}),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _settings(function: Function, stub: Stub) -> dict[str, str]:
    """A value for each of the function's variables."""
    known = {
        "BITBUCKET_API_URL": f"{stub.url}/2.0",
        "JOB_QUEUE": CHANGED["job"]["queue"],
        "KEYWORD_PREFIX": "ACME",
        "LEASE_SECONDS": "330",
        "LOG_LEVEL": "INFO",
        "MAX_GPUS": "8",
        "MAX_MEMORY_MIB": "65536",
        "MAX_VCPUS": "16",
        "ORGANIZATION": "acme",
        "ENVIRONMENT": "development",
        "REQUIRE_SIGNATURE": "true",
        "UNMOVED_SECONDS": "300",
    }
    named = {name: f"{stub.url}/000000000000/{name.lower()}" for name in function.environment}
    return {"AWS_ENDPOINT_URL": stub.url, **named, **known}


def _answer(built: Built, service: str, stub: Stub, event: object = None) -> dict[str, Any]:
    """What a built function answers to its sample."""
    function = function_of(service)
    done = _run(
        built, function, event or _json(f"{service}.json"), settings=_settings(function, stub)
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_sam_finds_nothing_to_say_about_the_template() -> None:
    done = subprocess.run(
        [TOOLS.sam, "validate", "--lint"],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_build_for_aws_is_for_arm64(built_for_aws: Built) -> None:
    libraries = list(built_for_aws.layer.rglob("*.so"))

    assert libraries
    for library in libraries:
        with library.open("rb") as binary:
            header = binary.read(20)
        assert struct.unpack_from("<H", header, 18)[0] == AARCH64, library.name


@pytest.mark.parametrize("build_name", ["built", "built_for_aws"])
def test_the_layer_holds_packages_and_a_function_itself_only(
    build_name: str, request: pytest.FixtureRequest
) -> None:
    made: Built = request.getfixturevalue(build_name)
    in_layer = {path.name for path in (made.layer / "python").iterdir()}

    assert {path.name for path in made.layer.iterdir()} == {"python"}
    assert {"shared", "boto3", "pydantic", "structlog", "aws_xray_sdk"} <= in_layer
    assert not in_layer & {"services", "container", "local", "cli", "tests", "bin"}
    for function in functions():
        source = PROJECT / "services" / function.service
        wanted = {"services/__init__.py"} | {
            f"services/{function.service}/{file.name}" for file in source.glob("*.py")
        }
        artifact = made.artifact(function)
        files = (path for path in artifact.rglob("*") if path.is_file())
        assert {str(file.relative_to(artifact)) for file in files} == wanted


def test_the_layer_holds_botocores_models_of_the_services_that_are_called(
    built_for_aws: Built,
) -> None:
    models = (built_for_aws.layer / "python/botocore/data").iterdir()

    assert {model.name for model in models if model.is_dir()} == clients_made()


@pytest.mark.parametrize("service", SERVICES)
def test_a_function_does_not_load_without_the_layer(
    service: str, built: Built, tmp_path: Path
) -> None:
    done = _run(built, function_of(service), {}, layer=tmp_path)

    assert done.returncode != 0
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_function_without_its_settings_fails_as_it_loads(service: str, built: Built) -> None:
    done = _run(built, function_of(service), _json(f"{service}.json"))

    assert done.returncode == 1
    assert f"reading the settings of services.{service}.app" in done.stderr


def test_the_built_webhook_stores_the_push(built: Built) -> None:
    with answering({**STORED, "GetSecretValue": [{"SecretString": HOOKS}]}) as aws:
        answer = _answer(built, "webhook", aws)

    assert answer["statusCode"] == 202
    (sent,) = aws.sent()
    assert sent["detail-type"] == "CommitPushed"
    assert sent["detail"] | {"pushed_at": PUSHED["pushed_at"]} == PUSHED


def test_the_built_webhook_refuses_another_signature(built: Built) -> None:
    event = _json("webhook.json")
    event["headers"]["x-hub-signature"] = f"sha256={'0' * 64}"
    with answering({**STORED, "GetSecretValue": [{"SecretString": HOOKS}]}) as aws:
        answer = _answer(built, "webhook", aws, event)

    assert answer["statusCode"] == 401
    assert set(aws.operations) == {"GetSecretValue"}


def test_the_built_parser_asks_for_the_run(built: Built) -> None:
    with answering(STORED) as aws:
        answer = _answer(built, "parser", aws)

    assert answer == {"batchItemFailures": []}
    requested, changed = aws.sent()
    assert requested == _json("samples/RunRequested.json")
    assert changed["detail"]["state"] == "requested"
    assert changed["detail"]["asked"] == CHANGED["asked"]


def test_the_built_submitter_submits_the_job(built: Built) -> None:
    records = [{"Item": REQUESTED}, {"Item": CLAIMED}]
    batch: Answers = {
        "/v1/describejobdefinitions": [{"jobDefinitions": [{"status": "ACTIVE"}]}],
        "/v1/submitjob": [{"jobId": CHANGED["job"]["id"], "jobName": CHANGED["job"]["name"]}],
    }
    with answering({**STORED, **batch, "GetItem": records}) as aws:
        answer = _answer(built, "submitter", aws)

    assert answer == {"batchItemFailures": []}
    (submitted,) = [request for operation, request in aws.calls if operation == "/v1/submitjob"]
    assert submitted["jobName"] == CHANGED["job"]["name"]
    assert submitted["parameters"] == DESCRIBED["job"]["parameters"]
    assert [event["detail"]["state"] for event in aws.sent()] == ["submitted"]


def test_the_built_monitor_follows_the_job(built: Built) -> None:
    with answering({**STORED, "GetItem": [{"Item": SUBMITTED}]}) as aws:
        answer = _answer(built, "monitor", aws)

    assert answer == {"batchItemFailures": []}
    assert [event["detail"]["state"] for event in aws.sent()] == ["running", "failed"]
    assert aws.sent()[1]["detail"]["reason"] == CHANGED["reason"]


def test_the_built_reconciler_asks_after_runs(built: Built) -> None:
    asked: Answers = {
        "Query": [{"Items": [REQUESTED]}, {"Items": [SUBMITTED]}, {"Items": []}],
        "/v1/describejobs": [{"jobs": [DESCRIBED["job"]]}],
    }
    with answering({**STORED, **asked}) as aws:
        answer = _answer(built, "reconciler", aws)

    assert answer == {}
    sent = {event["detail-type"]: event for event in aws.sent()}
    assert set(sent) == {"RunRequested", "JobDescribed"}
    assert sent["JobDescribed"] == _json("samples/JobDescribed.json")


def test_the_built_notifier_posts_the_status(built: Built) -> None:
    path = STATUS_PATH.format(CHANGED["commit"])
    auth = {"SecretString": json.dumps({"kind": "access_token", "token": "sample"})}
    record = {"Item": _record()}
    with answering({"GetItem": [record], "GetSecretValue": [auth], path: [{}]}) as aws:
        answer = _answer(built, "notifier", aws)

    assert answer == {"batchItemFailures": []}
    (status,) = [request for operation, request in aws.calls if operation == path]
    assert (status["state"], status["description"]) == ("FAILED", "failed: exit code 1")


def test_a_function_that_gets_no_answer_gives_its_message_back(built: Built) -> None:
    with answering({"ChangeMessageVisibility": [{}]}) as aws:
        answer = _answer(built, "parser", aws)

    (message,) = _json("parser.json")["Records"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": message["messageId"]}]}
