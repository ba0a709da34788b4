"""`sam local invoke`: what SAM itself makes of the environment file, read without Docker."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.yaml_helper import yaml_parse

from cli.local_env import HOST, environment_file, template_for_invoke
from local.aws import ACCOUNT, clean_environment, credentials, endpoint_environment
from shared.settings import Settings
from tests.contracts.built import Built, sample
from tests.contracts.markdown import code, table
from tests.contracts.wiring import (
    PROJECT,
    Function,
    function_of,
    functions,
    points_to,
    queue_name,
    queues,
)

ENVIRONMENT: dict[str, dict[str, str]] = sample("env.json")
each_function = pytest.mark.parametrize("function", functions(), ids=lambda f: f.logical_id)


def _invocations(template: Path) -> dict[str, dict[str, Any]]:
    """What SAM would start each function's container with, given events/env.json."""
    done = subprocess.run(
        [
            *(sys.executable, PROJECT / "tests/contracts/sam_invocations.py"),
            *(template, PROJECT / "events/env.json"),
        ],
        # Somebody's own account, of which nothing may reach the embedded one.
        env={
            **clean_environment(),
            **dict.fromkeys(credentials(), "another"),
            "AWS_SESSION_TOKEN": "another",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    told: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def invocations(built: Built, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """With the template that `cloud-runner local env` writes."""
    template = tmp_path_factory.mktemp("invoke") / "template.yaml"
    text = (built.folder / "template.yaml").read_text(encoding="utf-8")
    declared = template_for_invoke(yaml_parse(text), built.folder, ENVIRONMENT["Parameters"])
    template.write_text(yaml.safe_dump(declared), encoding="utf-8")
    return _invocations(template)


def _settings(function: Function) -> type[Settings]:
    app = import_module(f"services.{function.service}.app")
    found: type[Settings] = getattr(app, f"{function.service.title()}Settings")
    return found


def test_the_environment_file_names_every_function_and_no_other() -> None:
    assert set(ENVIRONMENT) == {"Parameters", *(function.logical_id for function in functions())}


@each_function
def test_the_environment_file_gives_a_function_its_variables_and_no_other(
    function: Function,
) -> None:
    assert set(ENVIRONMENT[function.logical_id]) == set(function.environment)


@each_function
def test_the_environment_files_values_are_settings(function: Function) -> None:
    given = {**ENVIRONMENT["Parameters"], **ENVIRONMENT[function.logical_id]}

    settings = _settings(function).from_environment(given)

    assert {name.lower() for name in function.environment} <= set(settings.model_fields_set)


@each_function
def test_the_environment_file_names_the_queues_that_the_template_does(function: Function) -> None:
    for name, value in function.environment.items():
        given, queue = ENVIRONMENT[function.logical_id][name], points_to(value)
        if queue in queues():
            assert given.endswith(f"/{ACCOUNT}/acme-development-{queue_name(queue)}")


def test_one_name_has_one_value_in_the_whole_environment_file() -> None:
    pairs = {pair for variables in ENVIRONMENT.values() for pair in variables.items()}

    assert len(pairs) == len(dict(pairs))


def test_every_address_in_the_environment_file_is_one_that_a_container_reaches() -> None:
    addresses = [
        value for given in ENVIRONMENT.values() for value in given.values() if "//" in value
    ]

    assert addresses
    assert all(value.startswith(f"http://{HOST}:") for value in addresses)


@each_function
def test_sam_gives_a_function_what_the_environment_file_says(
    function: Function, invocations: dict[str, Any]
) -> None:
    given = {**ENVIRONMENT["Parameters"], **ENVIRONMENT[function.logical_id]}

    assert invocations[function.logical_id]["environment"].items() >= given.items()


@each_function
def test_sam_finds_a_functions_artifact_and_its_layer(
    function: Function, invocations: dict[str, Any], built: Built
) -> None:
    found = invocations[function.logical_id]

    assert found["handler"] == function.declared["Handler"]
    assert found["architecture"] == "arm64"
    assert found["code"] == str(built.artifact(function))
    assert found["layers"] == [str(built.layer)]


def test_sam_gives_no_variable_that_the_template_does_not_declare(built: Built) -> None:
    # Why there is a template of its own: github.com/aws/aws-sam-cli/issues/139
    found = _invocations(built.folder / "template.yaml")

    assert set(found) == {function.logical_id for function in functions()}
    assert not any("AWS_ENDPOINT_URL" in one["environment"] for one in found.values())


def test_addresses_of_a_running_stack_are_those_that_a_container_reaches() -> None:
    everywhere = endpoint_environment(
        "http://127.0.0.1:1000", "http://localhost:1001", "http://127.0.0.1:1002"
    )
    variables = {"RUNS_QUEUE_URL": "http://127.0.0.1:1000/1/runs", "RUNS_TABLE": "127.0.0.1"}

    written = environment_file({"ParserFunction": variables}, everywhere, "172.17.0.1")

    assert written["ParserFunction"] == {
        "RUNS_QUEUE_URL": "http://172.17.0.1:1000/1/runs",
        "RUNS_TABLE": "127.0.0.1",
    }
    assert written["Parameters"] == {
        **everywhere,
        "AWS_ENDPOINT_URL": "http://172.17.0.1:1000",
        "AWS_ENDPOINT_URL_BATCH": "http://172.17.0.1:1001",
        "AWS_ENDPOINT_URL_EC2": "http://172.17.0.1:1002",
        "AWS_SESSION_TOKEN": "",
    }


def test_the_environment_file_is_what_the_command_would_write() -> None:
    everywhere = endpoint_environment(
        "http://127.0.0.1:4566", "http://127.0.0.1:4567", "http://127.0.0.1:4569"
    )
    of_functions = {name: given for name, given in ENVIRONMENT.items() if name != "Parameters"}

    assert environment_file(of_functions, everywhere, HOST) == ENVIRONMENT


def test_a_template_for_invoke_is_for_the_architecture_that_was_built() -> None:
    built = {
        "Parameters": {"Architecture": {"Default": "arm64"}},
        "Globals": {"Function": {}},
        "Resources": {
            "Layer": {
                "Metadata": {"BuildArchitecture": "x86_64"},
                "Properties": {"ContentUri": "Layer"},
            }
        },
    }

    template = template_for_invoke(built, Path("/built"), ["AWS_ENDPOINT_URL"])

    assert template["Parameters"]["Architecture"]["Default"] == "x86_64"
    assert template["Resources"]["Layer"]["Properties"]["ContentUri"] == "/built/Layer"
    assert template["Globals"]["Function"] == {
        "Environment": {"Variables": {"AWS_ENDPOINT_URL": ""}}
    }
    assert json.dumps(built).count("AWS_ENDPOINT_URL") == 0


def test_the_webhooks_secret_is_the_one_that_the_stack_makes() -> None:
    declared = function_of("webhook").environment["AUTHORISED_HOOKS_SECRET"]["Fn::Sub"]

    assert ENVIRONMENT["WebhookFunction"]["AUTHORISED_HOOKS_SECRET"] == declared.replace(
        "${Organization}/${Environment}", "acme/development"
    )


def test_docs_of_local_invoke_name_every_function_with_its_sample() -> None:
    page = (PROJECT / "docs/local-invoke.md").read_text(encoding="utf-8")
    rows = {code(row[0])[0]: code(row[1])[0] for row in table(page, "Function")}

    assert rows == {one.logical_id: f"events/{one.service}.json" for one in functions()}
    assert page.count(HOST) > 1
