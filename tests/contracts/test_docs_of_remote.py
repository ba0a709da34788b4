"""What docs/remote.md shows and lists, against the code that does it."""

import ast
import json
import re
import shlex
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner

from cli.endings import MEANINGS
from cli.main import cloud_runner
from cli.remote import commands, options_values
from cli.remote.launch_fields import PASSED_ON
from cli.remote.launch_specification import understand
from cli.remote.options import DEFAULT_LOG_PATH, Action, Wanted
from cli.remote.terms import FINISH_SECONDS
from container.agent.records import Terms
from local.aws import MACHINE_IMAGE
from local.machines.troubles import Trouble
from shared import machine_tags
from shared.machines import GRACE
from tests.contracts.markdown import code, fences, table
from tests.contracts.sources import modules
from tests.contracts.wiring import PROJECT

TEXT = (PROJECT / "docs/remote.md").read_text(encoding="utf-8")
OBJECTS = [json.loads(text) for text in fences(TEXT, "json")]
SPECIFICATION, LOCAL = (one for one in OBJECTS if "ImageId" in one)
NOTIFICATIONS = [one for one in OBJECTS if "status" in one]
TYPED = [
    shlex.split(line)
    for fence in fences(TEXT, "sh")
    for line in fence.replace("\\\n", " ").splitlines()
    if line.startswith("cloud-runner remote ")
]
DEFAULTS = Wanted(actions=(Action.EXPERIMENT,))


# What notifications are made of, wherever a machine or the command writes one.
NOTIFIES = [
    one
    for one in modules("cli", "container")
    if one.name.startswith(("cli.remote", "container.agent"))
]


def _messages() -> list[dict[str, ast.expr]]:
    """Every notification that is written down in the code: its keys, and what their values are."""
    found = [
        {
            str(key.value): value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
        for one in NOTIFIES
        for node in ast.walk(one.tree)
        if isinstance(node, ast.Dict)
    ]
    return [message for message in found if {"instance", "status"} <= set(message)]


def _statuses() -> set[str]:
    """Every word that a notification's status may be.

    It is written where the message is, or passed on to there: by `_notify(status, …)`, which takes
    the words of `Step(kind, reason, status)`.
    """
    values = [message["status"] for message in _messages()]
    for one in NOTIFIES:
        for node in ast.walk(one.tree):
            if isinstance(node, ast.Call):
                values += _passed_on(node)
            elif isinstance(node, ast.AnnAssign) and _name(node.target) == "status":
                values += [node.value] if node.value is not None else []
    return {word for value in values for word in _words(value)}


def _passed_on(call: ast.Call) -> list[ast.expr]:
    place = {"_notify": 0, "Step": 2}.get(_name(call.func))
    named = [keyword.value for keyword in call.keywords if keyword.arg == "status"]
    return named if place is None else [*named, *call.args[place : place + 1]]


def _name(node: ast.expr) -> str:
    return getattr(node, "id", "") or getattr(node, "attr", "")


def _words(value: ast.expr) -> set[str]:
    """The texts that an expression may be; of a choice both, and not what is asked."""
    match value:
        case ast.Constant(value=str(word)):
            return {word}
        case ast.IfExp(body=body, orelse=other):
            return _words(body) | _words(other)
    return set()


def test_docs_of_remote_name_every_action() -> None:
    assert [code(row[0])[0] for row in table(TEXT, "Action")] == [
        *("create", "start", "tag", "setup", "experiment", "stop", "terminate", "list")
    ]
    assert {code(row[0])[0] for row in table(TEXT, "Action")} == {*Action, "list"}
    for action in (*Action, "list"):
        assert any(action in typed[2:] for typed in TYPED), action


@pytest.mark.parametrize("typed", TYPED, ids=" ".join)
def test_docs_of_remote_show_commands_that_can_be_typed(
    typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Wanted] = []
    monkeypatch.setattr(commands, "_do", lambda _account, wanted: asked.append(wanted))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "launchSpecification.json").write_text(json.dumps(SPECIFICATION))
    if typed[2] == "list":
        typed = [*typed, "--help"]
    # It would look for an embedded stack that runs.
    typed = [word for word in typed if word != "--local"]

    result = CliRunner().invoke(cloud_runner, typed[1:], catch_exceptions=False)

    assert result.exit_code == 0, result.output
    assert len(asked) == (typed[2] != "list")


def test_docs_of_remote_show_a_launch_specification_that_is_taken() -> None:
    ec2 = boto3.client("ec2", region_name="eu-west-1")
    shape = ec2.meta.service_model.operation_model("RunInstances").input_shape

    understood = understand(SPECIFICATION, shape)

    assert understood.arguments == SPECIFICATION
    assert understood.notes == ()


def test_docs_of_remote_show_a_launch_specification_of_the_embedded_stacks_image() -> None:
    ec2 = boto3.client("ec2", region_name="eu-west-1")
    shape = ec2.meta.service_model.operation_model("RunInstances").input_shape

    understood = understand(LOCAL, shape)

    assert understood.arguments == LOCAL
    assert LOCAL["ImageId"] == MACHINE_IMAGE


def test_docs_of_remote_order_troubles_that_there_are() -> None:
    ordered = [
        Trouble.model_validate_json(text)
        for text in re.findall(r"/_control/troubles\" --data '(.*)'", TEXT)
    ]
    (sentence,) = re.findall(r"A trouble may\s+also be (.*?)\sname,", TEXT, re.DOTALL)

    shown = {name for one in ordered for name in one.model_fields_set}
    assert shown | set(code(sentence)) == set(Trouble.model_fields)


def test_docs_of_remote_list_the_tags_of_a_machine() -> None:
    listed = [code(row[0])[0] for row in table(TEXT, "Tag")]
    words = [word for name, word in vars(machine_tags).items() if name.isupper()]
    values = (machine_tags.CREATED, machine_tags.GIVEN)

    assert listed == [word for word in words if isinstance(word, str) and word not in values]


def test_docs_of_remote_name_every_field_that_is_passed_on() -> None:
    (sentence,) = re.findall(r"must be there\.\s(.*?) are passed on", TEXT, re.DOTALL)

    assert {*code(sentence), *SPECIFICATION} == {*PASSED_ON, "UserData"}


def test_docs_of_remote_show_a_notification_with_every_field() -> None:
    found = _messages()

    assert len(found) >= 3
    assert all(set(message) == set(one) for message in found for one in NOTIFICATIONS)
    assert _statuses() == {code(row[0])[0] for row in table(TEXT, "`status`")}
    assert {one["status"] for one in NOTIFICATIONS} <= _statuses()


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (None, "s3://<the stack's data bucket>/remote/<name>.tar.gz"),
        ("BUCKET", "s3://BUCKET/<name>.tar.gz"),
        ("BUCKET/PREFIX", "s3://BUCKET/PREFIX/<name>.tar.gz"),
    ],
)
def test_docs_of_remote_say_where_an_archive_goes(said: str | None, address: str) -> None:
    rows = {tuple(code(row[0])): code(row[1])[0] for row in table(TEXT, "`--bucket`")}

    bucket, prefix = options_values.bucket(said and said.lower())
    keys = "/".join([bucket or "<the stack's data bucket>", *filter(None, [prefix])])

    assert rows[() if said is None else (said,)] == address
    assert f"s3://{keys}/<name>.tar.gz".lower() == address.lower()


def test_docs_of_remote_tell_defaults_that_are_so() -> None:
    text = " ".join(TEXT.split())

    assert f"`--max-hours` at the most ({DEFAULTS.max_hours:g} unless said otherwise)" in text
    assert f"`--idle-minutes` without an experiment ({DEFAULTS.idle_minutes};" in text
    assert f"`--wait-minutes` ({DEFAULTS.wait_minutes:g})" in text
    assert f"(`{DEFAULT_LOG_PATH}`)" in text
    assert DEFAULTS.market == "spot"


def test_docs_of_remote_tell_times_that_are_so() -> None:
    rows = {row[0]: row for row in table(TEXT, "What happens")}
    terms = Terms(None, "i-0", "eu-west-1", 1, 1, "stop", None)

    assert FINISH_SECONDS == terms.finish_seconds == 15 * 60
    assert "15 minutes" in rows["storing or telling hangs"][3]
    assert f"SIGKILL after {terms.seconds('stop'):g} s" in rows["the deadline comes"][2]
    assert f"asking every {terms.seconds('spot'):g} s" in (rows["EC2 takes a spot machine back"][1])
    assert terms.seconds("shutdown") == 2 * 60
    assert rows["`shutdown` does not work"][3] == "2 minutes"
    late = "the machine runs on 20 minutes after its deadline"
    assert GRACE.total_seconds() == 20 * 60
    assert late in rows


def test_docs_of_remote_tell_the_exit_codes_of_machines() -> None:
    (paragraph,) = re.findall(r"\*\*Exit codes\*\*: (.*?)\n\n", TEXT, re.DOTALL)

    assert {int(number) for number in re.findall(r"\b(\d)\b", paragraph)} <= set(MEANINGS)
    assert "4, **a machine\nmay still be running**" in paragraph


def test_docs_of_remote_offer_a_machine_by_the_tags_that_are_looked_for() -> None:
    offered = dict(re.findall(r"Key=([\w-]+),Value=([\w-]+)", TEXT))

    assert offered == {
        machine_tags.STACK: "acme-development",
        machine_tags.MACHINE: machine_tags.GIVEN,
    }
