"""Which webhooks a repository gets, whatever is there, and whoever is killed or works meanwhile."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.project.webhooks import Activate, Create, Delete, Forget, Hook, Identify, Renew, plan
from tests.fakes import Crash
from tests.unit.project_fakes import (
    FULL_NAME,
    REPOSITORY,
    URL,
    Fuse,
    SecretsManager,
    Webhooks,
    a_hook,
    repository_hooks,
)

OTHER_URL = "https://ci.example.com/hook"
OTHERS = {"elsewhere": {"secret": "theirs", "repository": "acme/other"}, "odd": "not an object"}


def test_a_repository_without_a_webhook_gets_one() -> None:
    assert plan([a_hook("theirs", url=OTHER_URL)], [], [], URL) == (Create(),)


def test_a_webhook_that_works_is_left_alone() -> None:
    assert plan([a_hook("a")], ["a"], ["a"], URL) == ()


def test_a_webhook_whose_secret_nobody_stored_gets_a_new_one() -> None:
    hook = a_hook("a")

    assert plan([hook], [], [], URL) == (Renew(hook),)
    assert plan([hook], ["a"], [], URL) == (Renew(hook),)


def test_a_webhook_that_does_not_send_or_sign_is_made_to() -> None:
    for hook in (
        a_hook("a", active=False),
        a_hook("a", has_secret=False),
        a_hook("a", events=frozenset({"repo:fork"})),
    ):
        assert plan([hook], ["a"], ["a"], URL) == (Activate(hook),)


def test_of_several_webhooks_the_one_that_works_is_kept() -> None:
    works, silent, unknown = a_hook("w", created="3"), a_hook("s", active=False), a_hook("u")

    assert plan([silent, unknown, works], ["w", "s"], ["w", "s"], URL) == (
        Delete(silent),
        Delete(unknown),
    )


def test_a_rotation_that_was_interrupted_is_finished_and_not_undone() -> None:
    old, new = a_hook("a", created="2026-11-20T10:00:00Z"), a_hook("b", created="2026-11-21")

    for found in ([old, new], [new, old]):
        assert plan(found, ["a", "b"], ["a", "b"], URL) == (Delete(old),)
    assert plan([old, new], ["a", "b"], ["a"], URL) == (Delete(new),)


def test_an_entry_of_a_webhook_that_is_gone_is_dropped_and_others_stay() -> None:
    kept = [a_hook("a"), a_hook("elsewhere", url=OTHER_URL)]

    assert plan(kept, ["a", "elsewhere", "gone"], ["a"], URL) == (Forget("gone"),)


def test_an_entry_that_does_not_tell_its_repository_gets_that_and_nothing_else() -> None:
    hooks = [a_hook("a"), a_hook("elsewhere", url=OTHER_URL)]

    for entered in (["a"], ["a", "elsewhere"]):
        actions = plan(hooks, entered, entered, URL, unidentified=entered)
        assert actions == tuple(map(Identify, entered))


def test_who_is_entered_anew_or_goes_is_not_identified_first() -> None:
    silent, old = a_hook("a", active=False), a_hook("b")

    assert plan([silent], ["a"], ["a"], URL, unidentified=["a"]) == (Activate(silent),)
    assert plan([silent], ["a"], [], URL, unidentified=["a"]) == (Renew(silent),)
    assert plan([old], ["b"], ["b"], URL, unidentified=["b"], rotate=True) == (
        Create(),
        Delete(old),
    )
    assert plan([old], ["b", "c"], ["b", "c"], URL, unidentified=["c"]) == (Forget("c"),)


def test_a_new_secret_is_a_new_webhook_before_the_old_one_goes() -> None:
    old = a_hook("a")

    assert plan([old], ["a"], ["a"], URL, rotate=True) == (Create(), Delete(old))


uuids = st.sampled_from(["a", "b", "c", "d"])
hooks = st.builds(
    a_hook,
    uuids,
    url=st.sampled_from([URL, f"{URL}/", OTHER_URL]),
    active=st.booleans(),
    events=st.sampled_from([frozenset({"repo:push"}), frozenset({"repo:fork", "repo:push"})]),
    created=st.sampled_from(["1", "2"]),
)


def _model(
    found: list[Hook],
    entered: set[str],
    right: set[str],
    told: Mapping[str, object] | None = None,
) -> tuple[Webhooks, Any]:
    """Webhooks with secrets of their own; `entered` have an entry, `right` the right one.

    `told` are uuids of the repository, right and wrong, in the entries that have one.
    """
    bitbucket = Webhooks({hook.uuid: hook for hook in found})
    bitbucket.secrets = {hook.uuid: f"secret of {hook.uuid}" for hook in found}
    entries = {
        uuid: {
            # What nobody can see must not be wrong: a webhook that sends has the stored secret.
            "secret": f"secret of {uuid}" if uuid in right or _sends(bitbucket, uuid) else "lost",
            "repository": FULL_NAME,
            **({"uuid": told[uuid]} if told and uuid in told else {}),
        }
        for uuid in entered
    }
    secretsmanager = SecretsManager()
    secretsmanager.set(json.dumps({**OTHERS, **entries}))
    return bitbucket, secretsmanager


def _sends(bitbucket: Webhooks, uuid: str) -> bool:
    hook = bitbucket.hooks_by_uuid.get(uuid)
    return hook is not None and hook.sends_signed_pushes


def _check(bitbucket: Webhooks, secretsmanager: SecretsManager, foreign: dict[str, Hook]) -> None:
    """One webhook sends to the stack, which knows the secret that Bitbucket signs with."""
    content = json.loads(secretsmanager.text)
    ours = [one for one in bitbucket.hooks_by_uuid.values() if one.uuid not in foreign]
    entries = {u: e for u, e in content.items() if u not in OTHERS and u not in foreign}
    (hook,) = ours
    assert hook.sends_signed_pushes
    assert entries == {
        hook.uuid: {
            "secret": bitbucket.secrets[hook.uuid],
            "repository": FULL_NAME,
            "uuid": REPOSITORY.uuid,
        }
    }
    assert all(content[u]["uuid"] == REPOSITORY.uuid for u in foreign if u in content)
    assert {u: content[u] for u in OTHERS} == OTHERS
    assert {u: bitbucket.hooks_by_uuid[u] for u in foreign} == foreign


@settings(deadline=None)
@given(
    found=st.lists(hooks, max_size=4, unique_by=lambda hook: hook.uuid),
    entered=st.sets(uuids),
    right=st.sets(uuids),
    told=st.dictionaries(uuids, st.sampled_from([REPOSITORY.uuid, "{another}", "", 7, None])),
    crashes=st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=4),
    rotate=st.booleans(),
)
def test_whatever_is_there_and_wherever_it_is_killed_one_webhook_works_in_the_end(
    found: list[Hook],
    entered: set[str],
    right: set[str],
    told: dict[str, object],
    crashes: list[tuple[int, bool]],
    *,
    rotate: bool,
) -> None:
    bitbucket, secretsmanager = _model(found, entered, right, told)
    foreign = {hook.uuid: hook for hook in found if hook.url == OTHER_URL}
    work = repository_hooks(bitbucket, secretsmanager)
    for calls, after in crashes:
        bitbucket.fuse = secretsmanager.fuse = Fuse(calls, after=after)
        with contextlib.suppress(Crash):
            work.converge(lambda _text: None, rotate=rotate)
        bitbucket.fuse = secretsmanager.fuse = Fuse()

    work.converge(lambda _text: None)

    _check(bitbucket, secretsmanager, foreign)
    assert work.plan() == ()


@settings(deadline=None)
@given(found=st.lists(hooks, max_size=3, unique_by=lambda hook: hook.uuid), entered=st.sets(uuids))
def test_removal_leaves_nothing_of_ours_and_everything_of_others(
    found: list[Hook], entered: set[str]
) -> None:
    bitbucket, secretsmanager = _model(found, entered, set())
    foreign = {hook.uuid: hook for hook in found if hook.url == OTHER_URL}
    work = repository_hooks(bitbucket, secretsmanager)

    for _ in range(2):
        work.delete(lambda _text: None)
        work.register.forget(work.register.mentioned())

    assert bitbucket.hooks_by_uuid == foreign
    assert json.loads(secretsmanager.text) == OTHERS


def test_two_people_at_the_same_repository_end_with_one_webhook_that_works() -> None:
    bitbucket, secretsmanager = _model([], set(), set())
    mine, theirs = (repository_hooks(bitbucket, secretsmanager) for _ in range(2))
    # Just before my secret becomes the current one, they do all of it.
    secretsmanager.before_move.append(lambda: theirs.converge(lambda _text: None))

    mine.converge(lambda _text: None)

    _check(bitbucket, secretsmanager, {})


def test_an_entry_of_before_gets_its_repositorys_uuid_and_keeps_what_else_it_holds() -> None:
    hook, bitbucket, secretsmanager = a_hook("a"), Webhooks(), SecretsManager()
    bitbucket.hooks_by_uuid["a"], bitbucket.secrets["a"] = hook, "s3cret"
    entry = {"secret": "s3cret", "repository": FULL_NAME, "a newer field": [7]}
    secretsmanager.set(json.dumps({**OTHERS, "{A}": entry}))
    work = repository_hooks(bitbucket, secretsmanager)
    works_before = work.works()

    work.converge(lambda _text: None)

    assert json.loads(secretsmanager.text) == {**OTHERS, "{A}": {**entry, "uuid": REPOSITORY.uuid}}
    assert bitbucket.hooks_by_uuid == {"a": hook}
    assert bitbucket.secrets == {"a": "s3cret"}
    assert work.plan() == ()
    assert works_before
    assert work.works()


def test_a_webhook_with_the_uuid_of_another_repository_does_not_work_until_it_is_put_right() -> (
    None
):
    bitbucket, secretsmanager = _model([a_hook("a")], {"a"}, {"a"}, {"a": "{another}"})
    work = repository_hooks(bitbucket, secretsmanager)
    works_before = work.works()

    work.converge(lambda _text: None)

    assert not works_before
    assert work.works()
    _check(bitbucket, secretsmanager, {})


def test_while_an_entry_is_identified_others_change_theirs_and_all_of_it_stays() -> None:
    bitbucket, secretsmanager = _model([a_hook("a")], {"a"}, {"a"})

    def somebody_enters() -> None:
        content = json.loads(secretsmanager.text)
        secretsmanager.set(json.dumps({**content, "new": {"repository": "acme/new"}}))

    secretsmanager.before_move.append(somebody_enters)
    repository_hooks(bitbucket, secretsmanager).converge(lambda _text: None)

    content = json.loads(secretsmanager.text)
    assert content["a"]["uuid"] == REPOSITORY.uuid
    assert content["new"] == {"repository": "acme/new"}


def test_an_entry_that_somebody_drops_meanwhile_is_not_brought_back_without_a_webhook() -> None:
    bitbucket, secretsmanager = _model([a_hook("a")], {"a"}, {"a"})

    def somebody_removes_it() -> None:
        bitbucket.hooks_by_uuid.clear()
        secretsmanager.set(json.dumps(OTHERS))

    secretsmanager.before_move.append(somebody_removes_it)
    repository_hooks(bitbucket, secretsmanager).register.identify("a", repository_uuid="{u}")

    assert json.loads(secretsmanager.text) == OTHERS


def test_a_webhook_that_somebody_deletes_meanwhile_is_made_again() -> None:
    bitbucket, secretsmanager = _model([], set(), set())
    secretsmanager.before_move.append(bitbucket.hooks_by_uuid.clear)

    repository_hooks(bitbucket, secretsmanager).converge(lambda _text: None)

    _check(bitbucket, secretsmanager, {})
