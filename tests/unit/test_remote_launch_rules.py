"""What a command of `remote` may ask for, before AWS is asked for anything."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cli.remote import options_values as values
from cli.remote import rules
from cli.remote.command_options import machine_options, wanted_of
from cli.remote.commands import remote
from cli.remote.options import Action, Wanted

FILE = Path("launch.json")
CREATE, START, SETUP = Action.CREATE, Action.START, Action.SETUP
EXPERIMENT, STOP, TERMINATE, TAG = Action.EXPERIMENT, Action.STOP, Action.TERMINATE, Action.TAG


def refusal(wanted: Wanted, *typed: str) -> str:
    """What is said of a call that makes no sense."""
    with pytest.raises(click.UsageError) as refused:
        rules.check(wanted, typed)
    return refused.value.message


def made(*actions: Action, **options: Any) -> Wanted:
    """A call that begins with create."""
    return Wanted((CREATE, *actions), launchspec=FILE, **options)


def given(*actions: Action, **options: Any) -> Wanted:
    """A call about a machine that is there."""
    return Wanted(actions, instance="i-0123456789abcdef0", **options)


@pytest.mark.parametrize(
    "wanted",
    [
        made(),
        made(SETUP, EXPERIMENT, module="train"),
        made(EXPERIMENT, TERMINATE, module="train"),
        made(STOP, market="on-demand"),
        given(START, SETUP, EXPERIMENT, module="train", detach=True),
        given(TAG, tags={"Project": "churn"}),
        given(STOP, START),
        given(STOP, START, EXPERIMENT, module="train"),
        given(TAG, START, tags={"Project": "churn"}),
        given(EXPERIMENT, TAG, STOP, module="train", tags={"Stage": "done"}),
        Wanted((TERMINATE,), stale=True),
    ],
    ids=str,
)
def test_what_makes_sense_is_not_refused(wanted: Wanted) -> None:
    rules.check(wanted, ())


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted((CREATE,)), "--launchspec FILE"),
        (Wanted((STOP,)), "--instance with its id or its name"),
        (made(instance="i-0"), "leave out either"),
        (given(START, CREATE), "create comes first"),
        (made(START), "leave out start"),
        (given(STOP, STOP), "stop is there twice"),
        (given(TERMINATE, STOP), "nothing can be done to a machine after terminate"),
        (given(STOP, EXPERIMENT), "a machine that is stopped does no experiment"),
        (given(STOP, TAG, EXPERIMENT), "a machine that is stopped does no experiment"),
        (made(EXPERIMENT, SETUP), "put it before experiment"),
        (given(EXPERIMENT, START), "put start before it"),
        (given(SETUP, START), "put start before it"),
        (given(TAG), "tag needs --tags"),
        (made(afterwards="stop"), "a spot machine cannot be stopped"),
        (made(STOP), "a spot machine cannot be stopped"),
        (made(EXPERIMENT, TERMINATE, detach=True), "terminate cannot follow"),
        (made(EXPERIMENT, json=True), "two kinds of output"),
        (made(arguments=("--fast",)), "words behind -- are for experiment"),
        (given(EXPERIMENT, branch="main"), "--branch of what?"),
        (given(EXPERIMENT, commit="0a1b"), "--commit of what?"),
        (given(SETUP, docker="experiment"), "write the actions before the options"),
        (Wanted((TERMINATE, STOP), stale=True), "nothing can be done"),
        (Wanted((STOP,), stale=True), "--stale ends what should have ended"),
    ],
)
def test_what_makes_no_sense_says_what_would(wanted: Wanted, says: str) -> None:
    assert says in refusal(wanted)


@pytest.mark.parametrize(
    ("wanted", "option", "says"),
    [
        (given(STOP), "launchspec", "--launchspec is for create"),
        (given(SETUP), "results_path", "--results-path is for experiment"),
        (given(STOP), "git", "--git is for setup or experiment"),
        (given(EXPERIMENT), "stale", "--stale is for terminate"),
        (Wanted((TERMINATE,), stale=True), "instance", "--stale ends what should have ended"),
    ],
)
def test_an_option_that_no_action_takes_is_refused(wanted: Wanted, option: str, says: str) -> None:
    assert says in refusal(wanted, option)


def test_an_action_that_was_taken_for_an_image_is_told_of_first() -> None:
    assert "write the actions before the options" in refusal(made(docker="experiment"), "docker")


def test_a_user_is_not_logged_in_at_the_embedded_stack() -> None:
    wanted = given(SETUP, user="ubuntu")
    rules.check(wanted, ["user"])

    with pytest.raises(click.UsageError, match="leave out --user"):
        rules.check(wanted, ["user"], local=True)


@pytest.mark.parametrize(
    ("action", "shown", "hidden"),
    [
        (CREATE, {"launchspec", "market", "module"}, {"instance", "stale"}),
        (TAG, {"instance", "tags", "module"}, {"launchspec", "market", "stale"}),
        (TERMINATE, {"instance", "stale", "yes"}, {"launchspec", "tags", "module", "max_hours"}),
    ],
)
def test_an_option_that_can_never_be_of_use_is_not_shown(
    action: Action, shown: set[str], hidden: set[str]
) -> None:
    command = remote.commands[action]
    options = {one.name: one for one in command.params if isinstance(one, click.Option)}

    assert not any(options[name].hidden for name in shown)
    assert all(options[name].hidden for name in hidden)


def test_every_option_that_belongs_to_an_action_is_one() -> None:
    @click.command()
    @machine_options
    def command(**_: Any) -> None: ...

    assert set(rules.BELONGS) <= {one.name for one in command.params}


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (values.notify, "http://hooks.example.com/x", "can be read and changed on its way"),
        (values.notify, "ftp://example.com", "an HTTPS POST"),
        (values.notify, "https://", "an HTTPS POST"),
        (values.tags, ["Project"], "write K=V"),
        (values.tags, ["cloud-runner-ends=never"], "are not yours"),
        (values.tags, ["aws:x=y"], "are not yours"),
        (values.tags, ["a=1", "a=2"], "is given twice"),
        (values.tags, [f"{'k' * 200}=v"], "128 and 256 characters"),
        (values.tags, [f"k{number}=v" for number in range(41)], "room for 40 tags"),
        (values.bucket, "Not A Bucket", "write BUCKET or BUCKET/PREFIX"),
        (values.user, "-oProxyCommand=x", "write the name of a user"),
        (values.module, "-c", "write a module"),
        (values.image, "--privileged", "write an image"),
        (values.absolute, "experiment.log", "absolute path of a file"),
        (values.archive_name, "a/b", "none of them a slash"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(read: Any, text: Any, says: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        read(text)
    assert says in refused.value.message


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/x", "http://127.0.0.1:8000/", "http://[::1]:8000/", None]
)
def test_a_notification_goes_over_https_or_to_this_machine(url: str | None) -> None:
    assert values.notify(url) == url


def test_words_behind_two_hyphens_are_arguments_and_no_actions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[Wanted] = []
    monkeypatch.setattr("cli.remote.commands._do", lambda _account, wanted: heard.append(wanted))
    words = "experiment stop --instance gpu --module train --docker -- stop --epochs 20 -- x"
    result = CliRunner().invoke(remote, words.split())

    assert result.exit_code == 0, result.output
    (wanted,) = heard
    assert wanted.actions == (EXPERIMENT, STOP)
    assert wanted.arguments == ("stop", "--epochs", "20", "--", "x")
    assert wanted.docker == ""
    assert (wanted.bucket, wanted.prefix) == (None, "remote")


def test_an_unknown_action_names_those_that_there_are() -> None:
    result = CliRunner().invoke(remote, ["create", "setpu", "--launchspec", "x"])

    assert result.exit_code == 2
    assert "'setpu' is none of create, tag, start, setup" in result.output


def test_all_options_are_wanted_somewhere() -> None:
    @click.command()
    @machine_options
    @click.pass_context
    def command(context: click.Context, /, **given: Any) -> None:
        context.obj.append(wanted_of([TERMINATE], [], given))

    heard: list[Wanted] = []
    CliRunner().invoke(command, [], obj=heard)

    assert heard == [Wanted((TERMINATE,))]
