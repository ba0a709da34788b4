"""A repository joins the embedded stack and leaves it: twice in a row, together, half-done."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click import ClickException

from cli.account import AccountError
from cli.project import joining, looking, overview
from cli.project.looking import Wishes
from shared.bitbucket import Credentials
from tests.integration.project_world import (
    BUCKET,
    NAMES,
    WISHES,
    World,
    nobody_asks,
    outside_of,
    wait,
    world,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as one:
        yield one


def test_a_repository_joins_and_its_pushes_are_taken(site: World, tmp_path: Path) -> None:
    full_name = site.repository("acme/joins.v1")
    found = site.add("Acme/Joins.V1")
    there = site.snapshot(full_name)

    assert [one.partition(" ")[0] for one in found.todo] == ["store", "create", "create"]
    assert [hook[:4] for hook in there["hooks"]] == [(site.webhook_url, True, ["repo:push"], True)]
    assert there["entries"] == [there["hooks"][0][4].strip("{}")]
    assert there["stack"][0] == "CREATE_COMPLETE"
    assert there["definitions"][0]["command"][1] == "/opt/cloud-runner/job.pyz"
    assert there["images"]
    assert any("JobDefinition: CREATE_COMPLETE" in text for text in site.texts)
    assert site.push_is_taken(full_name, tmp_path / "work")


def test_a_second_time_changes_nothing_and_says_so(site: World) -> None:
    full_name = site.repository("acme/twice")
    site.add(full_name)
    before = site.snapshot(full_name)

    found = site.add(full_name)

    assert found.todo == ()
    assert site.texts == []
    assert site.snapshot(full_name) == before


def test_an_entry_tells_its_repositorys_uuid_and_one_of_before_gets_it(
    site: World, tmp_path: Path
) -> None:
    full_name = site.repository("acme/known-by-uuid")
    uuid = site.bitbucket.request("GET", f"/2.0/repositories/{full_name}")["uuid"]
    site.add(full_name)
    (hook, new), *_ = site.authorised(full_name).items()
    before = {"secret": new["secret"], "repository": full_name, "by hand": "stays"}
    _write(site, hook, before)
    works = [overview.details(site.place(full_name)) or {}]
    first = site.add(full_name)
    after, there = site.authorised(full_name), site.snapshot(full_name)
    again = site.add(full_name)
    works.append(overview.details(site.place(full_name)) or {})

    assert new["uuid"] == uuid
    assert first.todo == (f"store the repository's uuid with the secret of the webhook {hook}",)
    assert after == {hook: {**before, "uuid": uuid}}
    assert again.todo == ()
    assert site.snapshot(full_name) == there
    assert [one["webhook"]["webhooks"][0]["identified"] for one in works] == [False, True]
    assert [one["webhook"]["works"] for one in works] == [True, True]
    assert site.push_is_taken(full_name, tmp_path / "work")


def test_an_entry_with_the_uuid_of_another_repository_takes_no_push_until_it_is_put_right(
    site: World, tmp_path: Path
) -> None:
    full_name = site.repository("acme/mistaken")
    site.add(full_name)
    ((hook, entry),) = site.authorised(full_name).items()
    _write(site, hook, {**entry, "uuid": "{another}"})
    taken = site.push_is_taken(full_name, tmp_path / "before")
    told = overview.details(site.place(full_name)) or {}
    site.add(full_name)

    assert not taken
    assert told["webhook"]["works"] is False
    assert site.authorised(full_name) == {hook: entry}
    assert site.push_is_taken(full_name, tmp_path / "after")


def test_a_repository_that_was_renamed_is_added_under_its_new_name_with_the_webhook_it_has(
    site: World, tmp_path: Path
) -> None:
    full_name = site.repository("acme/new-name")
    site.add(full_name)
    ((hook, entry),) = site.authorised(full_name).items()
    _write(site, hook, {**entry, "repository": "acme/old-name"})
    site.add(full_name)

    assert list(site.authorised(full_name)) == [hook]
    assert site.authorised("acme/old-name") == {}
    assert len(site.bitbucket.hooks(full_name)) == 1
    assert site.push_is_taken(full_name, tmp_path / "work")


def _write(site: World, hook: str, entry: dict[str, Any]) -> None:
    """Write an entry as a person does, or a version of before."""
    content = site.secret(NAMES.hooks_secret) | {hook: entry}
    site.outside.secretsmanager.put_secret_value(
        SecretId=NAMES.hooks_secret, SecretString=json.dumps(content)
    )


def test_looking_changes_nothing(site: World) -> None:
    full_name = site.repository("acme/looked-at")
    site.add(full_name)
    before = site.snapshot(full_name)
    own = Credentials(kind="access_token", token="everything")
    wishes = Wishes(
        parameters={"Vcpus": "8"},
        credentials=own,
        own_credentials=True,
        variables={"WANDB_API_KEY": "k3y"},
        rotate=True,
    )

    todo = looking.look(site.place(full_name), wishes, nobody_asks).todo
    new = looking.look(site.place(site.repository("acme/new")), wishes, nobody_asks).todo

    assert site.snapshot(full_name) == before
    assert "Vcpus: 8, was 2" in todo[2]
    assert [one.partition(" ")[0] for one in todo] == [
        "store",
        "store",
        "update",
        "create",
        "delete",
    ]
    assert [one.partition(" ")[0] for one in new] == ["store", "store", "create", "create"]
    assert site.place("acme/new").stack.state() is None
    assert "k3y" not in repr(todo)


def test_what_a_first_try_left_is_announced_as_what_is_deleted(site: World) -> None:
    full_name = site.repository("acme/ruin")
    name = site.place(full_name).project.stack
    template = """
    Resources:
      Job:
        Type: AWS::Batch::JobDefinition
        Properties: {JobDefinitionName: "no name!", Type: container}
    """
    cloudformation = site.outside.cloudformation
    cloudformation.create_stack(StackName=name, TemplateBody=template)
    wait(lambda: _status(site, full_name) == "ROLLBACK_COMPLETE")

    found = site.add(full_name)

    announced = f"delete what a first try left of the stack {name}, and create it"
    assert announced in found.todo
    assert _status(site, full_name) == "CREATE_COMPLETE"


def test_a_stack_that_only_a_person_can_free_is_said_before_anything_is_announced(
    site: World,
) -> None:
    full_name = site.repository("acme/stuck")
    site.add(full_name)
    stuck: Any = _Stuck(site.outside.cloudformation)
    place = site.place(full_name)
    place = replace(place, outside=replace(place.outside, cloudformation=stuck))

    with pytest.raises(AccountError, match=r"UPDATE_ROLLBACK_FAILED.*continue-update-rollback"):
        looking.look(place, Wishes(), nobody_asks)


class _Stuck:
    """CloudFormation whose stacks could not be rolled back."""

    def __init__(self, cloudformation: Any) -> None:
        self._cloudformation = cloudformation

    def describe_stacks(self, **asked: str) -> Any:
        """A stack as it is but for its status."""
        told = self._cloudformation.describe_stacks(**asked)
        told["Stacks"][0]["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
        return told


def _status(site: World, full_name: str) -> str | None:
    state = site.place(full_name).stack.state()
    return None if state is None else state.status


def test_what_is_asked_for_later_changes_that_alone(site: World) -> None:
    full_name = site.repository("acme/changes")
    site.add(full_name, replace(WISHES, parameters={"Vcpus": "4", "KeptImages": "5"}))
    hooks = site.snapshot(full_name)["hooks"]
    found = site.add(full_name, Wishes(parameters={"Vcpus": "8"}))
    there = site.snapshot(full_name)
    asked = {one["type"]: one["value"] for one in there["definitions"][0]["resourceRequirements"]}

    assert len(found.todo) == 1
    assert asked == {"VCPU": "8", "MEMORY": "7168"}
    assert there["stack"][1]["KeptImages"] == "5"
    assert there["hooks"] == hooks


def test_credentials_of_its_own_win_and_go_with_it(site: World) -> None:
    full_name = site.repository("acme/own")
    site.bitbucket.put_token("own-token", "repository:write", "webhook")
    own = Credentials(kind="access_token", token="own-token")
    site.add(full_name, Wishes(credentials=own, own_credentials=True))
    again = site.add(full_name, Wishes())
    there = site.snapshot(full_name)
    removed = site.remove(full_name)

    assert there["own"] == {"kind": "access_token", "token": "own-token"}
    # What they open was chosen for this repository.
    assert environment(there)["CLOUD_RUNNER_SUBMODULES"] == "*"
    assert "bitbucket-auth/own" in there["definitions"][0]["secrets"][0]["valueFrom"]
    assert again.todo == ()
    assert f"delete the secret {NAMES.auth_secret}/own" in removed.todo
    assert site.secret(f"{NAMES.auth_secret}/own") is None


def test_jobs_are_told_the_submodules_that_the_shared_credentials_are_lent_to(site: World) -> None:
    full_name = site.repository("acme/composed")
    site.add(full_name)
    alone = environment(site.snapshot(full_name))
    site.add(full_name, Wishes(parameters={"Submodules": "acme/library,other/words"}))
    again = site.add(full_name, Wishes())
    listed = environment(site.snapshot(full_name))
    site.add(full_name, Wishes(parameters={"Submodules": ""}))

    assert "CLOUD_RUNNER_SUBMODULES" not in alone
    assert listed == alone | {"CLOUD_RUNNER_SUBMODULES": "acme/library,other/words"}
    assert again.todo == ()
    assert environment(site.snapshot(full_name)) == alone


def environment(snapshot: dict[str, Any]) -> dict[str, str]:
    """What the newest job definition tells its jobs."""
    told = snapshot["definitions"][0]["environment"]
    return {one["name"]: one["value"] for one in told}


def test_a_secret_made_by_hand_is_used_and_left_alone(site: World) -> None:
    full_name = site.repository("acme/by-hand")
    name = f"{NAMES.auth_secret}/by-hand"
    text = json.dumps({"kind": "access_token", "token": "everything"})
    site.outside.secretsmanager.create_secret(Name=name, SecretString=text)
    site.add(full_name, Wishes())
    site.remove(full_name)

    assert site.secret(name) == {"kind": "access_token", "token": "everything"}


def test_variables_of_its_own_reach_the_job_and_nobody_else(site: World) -> None:
    full_name = site.repository("acme/variables")
    site.add(full_name, replace(WISHES, variables={"WANDB_API_KEY": "k3y", "HF_TOKEN": "t0k"}))
    site.add(full_name, Wishes(variables={"HF_TOKEN": "newer"}))
    definition = site.snapshot(full_name)["definitions"][0]
    given = {
        one["name"]: one["valueFrom"].rpartition("secret:")[2] for one in definition["secrets"]
    }
    environment = {one["name"]: one["value"] for one in definition["environment"]}
    stored = site.secret("acme/development/projects/variables")
    replaced = site.add(full_name, Wishes(variables={}, replaces_variables=True))

    assert given["WANDB_API_KEY"].endswith(":WANDB_API_KEY::")
    assert set(given) == {"BITBUCKET_AUTH", "HF_TOKEN", "WANDB_API_KEY"}
    assert environment["CLOUD_RUNNER_MASK"] == "HF_TOKEN,WANDB_API_KEY"
    assert stored == {"WANDB_API_KEY": "k3y", "HF_TOKEN": "newer"}
    assert len(replaced.todo) == 2
    assert len(site.snapshot(full_name)["definitions"][0]["secrets"]) == 1


def test_a_new_webhook_takes_the_old_ones_place(site: World, tmp_path: Path) -> None:
    full_name = site.repository("acme/rotates")
    site.add(full_name)
    before = site.authorised(full_name)
    site.add(full_name, Wishes(rotate=True))
    after = site.authorised(full_name)

    assert len(after) == 1
    assert not before.keys() & after.keys()
    assert site.push_is_taken(full_name, tmp_path / "work")


def test_webhooks_and_entries_of_others_stay(site: World) -> None:
    full_name = site.repository("acme/others")
    theirs = site.bitbucket.add_hook(full_name, "https://ci.example.com/hook", "x")
    site.bitbucket.add_hook(full_name, site.webhook_url, "a secret that nobody stored")
    site.bitbucket.add_hook(full_name, site.webhook_url, "another")
    site.add(full_name)
    there = site.snapshot(full_name)
    everybody = site.secret(NAMES.hooks_secret)
    site.remove(full_name)

    assert len(there["hooks"]) == 2
    assert site.bitbucket.hooks(full_name) == [theirs]
    assert site.secret(NAMES.hooks_secret) == {
        uuid: one for uuid, one in everybody.items() if one["repository"] != full_name
    }


def test_two_people_who_add_projects_at_once_lose_nothing(site: World, tmp_path: Path) -> None:
    site.add(site.repository("acme/first"))  # so that the credentials are there
    names = [site.repository(f"acme/at-once-{number}") for number in range(4)]
    gate = threading.Barrier(len(names))
    failures: list[ClickException] = []

    def add(full_name: str) -> None:
        outside = outside_of(site.endpoints)
        gate.wait()
        try:
            found = looking.look(site.place(full_name, outside), Wishes(), nobody_asks)
            _join_quietly(found)
        except ClickException as error:
            failures.append(error)
        finally:
            outside.close()

    threads = [threading.Thread(target=partial(add, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [len(site.authorised(name)) for name in names] == [1] * len(names)
    assert all(site.push_is_taken(name, tmp_path / name.replace("/", "-")) for name in names)


def test_two_people_who_add_the_same_project_at_once_end_with_one(
    site: World, tmp_path: Path
) -> None:
    full_name = site.repository("acme/same")
    outsides = [outside_of(site.endpoints) for _ in range(2)]
    found = [
        looking.look(site.place(full_name, outside), WISHES, nobody_asks) for outside in outsides
    ]
    threads = [threading.Thread(target=partial(_join_quietly, one)) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for outside in outsides:
        outside.close()
    site.add(full_name)
    there = site.snapshot(full_name)

    # Not the definition's revisions: the embedded CloudFormation lets both work at once.
    assert len(there["hooks"]) == len(there["entries"]) == 1
    assert there["stack"][0] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert site.push_is_taken(full_name, tmp_path / "work")


def _join_quietly(found: looking.Joining) -> None:
    joining.join(found, lambda _text: None)


def test_removal_takes_back_what_joining_made_and_keeps_data(site: World) -> None:
    full_name = site.repository("acme/leaves")
    site.add(full_name)
    site.outside.s3.put_object(Bucket=BUCKET, Key="projects/leaves/runs/1/job.log", Body=b"x")
    removed = site.remove(full_name)
    there = site.snapshot(full_name)
    again = site.remove(full_name)

    assert [one.partition(" ")[0] for one in removed.todo] == ["delete", "forget", "delete"]
    assert (there["hooks"], there["entries"], there["stack"], there["definitions"]) == (
        [], [], None, [],
    )  # fmt: skip  # nothing of the four
    assert there["images"]
    assert site.place(full_name).objects.exist()
    assert again.todo == ()


def test_a_project_that_comes_back_finds_its_images(site: World, tmp_path: Path) -> None:
    full_name = site.repository("acme/returns")
    site.add(full_name)
    site.remove(full_name)
    site.add(full_name)
    parameters = site.snapshot(full_name)["stack"][1]
    again = site.add(full_name, Wishes(parameters={"Vcpus": "4"}))

    assert parameters["ExistingRepository"] == "true"
    assert len(again.todo) == 1
    assert site.snapshot(full_name)["stack"][1]["ExistingRepository"] == "true"
    assert site.push_is_taken(full_name, tmp_path / "work")


def test_data_goes_too_if_somebody_wants_that(site: World) -> None:
    full_name = site.repository("acme/goes")
    site.add(full_name)
    s3 = site.outside.s3
    for body in (b"1", b"2"):
        s3.put_object(Bucket=BUCKET, Key="projects/goes/dvc/a", Body=body)
    s3.put_object(Bucket=BUCKET, Key="projects/goes-on/dvc/a", Body=b"theirs")
    removed = site.remove(full_name, with_data=True)
    again = site.remove(full_name, with_data=True)

    assert "delete for good: the images in acme/goes" in removed.todo
    assert again.todo == ()
    assert not site.place(full_name).images.exists()
    assert not site.place(full_name).objects.exist()
    assert site.place("acme/goes-on").objects.exist()


@pytest.mark.parametrize("status", [404, 301])
def test_a_repository_that_is_gone_from_bitbucket_or_renamed_can_leave(
    site: World, status: int
) -> None:
    full_name = site.repository(f"acme/vanishes-{status}")
    site.add(full_name)
    with site.bitbucket_without(full_name, status):
        removed = site.remove(full_name)

    assert removed.note is not None
    assert f"there is no {full_name}" in removed.note
    assert site.authorised(full_name) == {}
    assert site.place(full_name).stack.state() is None


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        (
            ["repository"],
            ["write: add the scope repository:write", "webhooks: add the scope webhook"],
        ),
        (["repository:write"], ["webhooks: add the scope webhook"]),
        (["webhook"], ["read: add the scope repository"]),
        (
            ["read:repository:bitbucket", "read:webhook:bitbucket", "delete:webhook:bitbucket"],
            [
                "write: add the scope write:repository:bitbucket",
                "webhooks: add the scope write:webhook:bitbucket",
            ],
        ),
    ],
)
def test_credentials_that_are_not_enough_change_nothing_and_say_which_scope(
    site: World, scopes: list[str], missing: list[str]
) -> None:
    full_name = site.repository("acme/forbidden")
    site.bitbucket.put_token("little", *scopes)
    is_users = scopes[0].endswith(":bitbucket")
    credentials = Credentials(
        kind="api_token" if is_users else "access_token", user="me@example.com", token="little"
    )
    before = site.secret(NAMES.auth_secret)

    with pytest.raises(AccountError) as caught:
        site.add(full_name, Wishes(credentials=credentials))

    found = caught.value.message.split("\n  ")[1:]
    assert [one.partition(" to the token")[0] for one in found] == missing
    assert site.secret(NAMES.auth_secret) == before
    assert site.place(full_name).stack.state() is None
    assert site.bitbucket.hooks(full_name) == []


def test_other_credentials_may_make_the_webhook_and_are_not_stored(site: World) -> None:
    full_name = site.repository("acme/made-by-another")
    site.bitbucket.put_token("worker", "repository:write")
    site.bitbucket.put_token("admin", "webhook")
    worker, admin = (Credentials(kind="access_token", token=one) for one in ("worker", "admin"))

    site.add(
        full_name,
        Wishes(credentials=worker, own_credentials=True, webhook_credentials=admin),
    )
    there = site.snapshot(full_name)

    assert there["own"] == {"kind": "access_token", "token": "worker"}
    assert len(there["entries"]) == 1


def test_a_name_of_another_workspace_is_refused(site: World) -> None:
    site.add(site.repository("acme/taken"))
    other = site.repository("other/taken")

    with pytest.raises(AccountError, match=r"is that of acme/taken"):
        site.add(other, Wishes())
    with pytest.raises(AccountError, match=r"is that of acme/taken"):
        site.remove(other)
    assert site.bitbucket.hooks(other) == []


def test_a_stack_that_is_tagged_for_another_repository_is_refused(site: World) -> None:
    first = site.repository("acme/taken")
    site.add(first)
    place = site.place(first)
    state = place.stack.state()
    assert state is not None
    foreign = replace(state, tags={**state.tags, "repository": "another"})

    assert place.own(state) == state
    with pytest.raises(AccountError, match=r"is that of acme/another"):
        place.own(foreign)
