"""What people do in the time of one seed: who pushes what and when, and who only pretends to.

Bitbucket, forgers and somebody else's jobs count as people here.
"""

from collections.abc import Callable, Sequence
from functools import partial

from tests.simulation import renames
from tests.simulation.deliveries import SECRET_KEPT_SECONDS, Deliveries
from tests.simulation.ledger import Ask
from tests.simulation.operators import redrive_by_command
from tests.simulation.projects import Projects
from tests.simulation.pushes import Commit, Hook, Push
from tests.simulation.users import Users
from tests.simulation.world import World

_BRANCHES = ("main", "feature/x", "it's-odd")
# More than one batch of messages takes.
_MANY = 12
_PUSHED_WITHIN = 900.0
_REPLAYED_WITHIN = 3000.0
# What a webhook sends that is no push, or none that can be read.
_SOMETHING_ELSE = (
    (b'{"pullrequest": {}}', "pullrequest:created"),
    (b'{"repository": {"full_name": "team/churn-model"}}', "repo:fork"),
    (b"not json \xff", "repo:push"),
    (b'{"push": {"changes": []}}', "repo:push"),
)


def begin(world: World) -> "People":
    """Set up the projects of `world`, and plan what people do with them."""
    people = People(world)
    people.plan()
    return people


class People:
    """The people of one seed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._choices = world.choices
        self._projects = Projects(world)
        self._deliveries = Deliveries(world, world.ledger)
        self._users = Users(world, self._projects, self._deliveries)

    def plan(self) -> None:
        """Schedule everything that does not follow from something else."""
        choices = self._choices
        renames.plan(self._world, self._projects)
        within = choices.among((0.0, _PUSHED_WITHIN), "all at once")
        for _ in range(choices.among((1, 1, 2, 2, 3, 4), "pushes")):
            self._later(within, self._push, "somebody pushes")
        if choices.strikes("command", "submit"):
            self._later(_PUSHED_WITHIN, self._users.submit, "somebody asks for a run")
        for number in ("first", "second", "third"):
            if choices.strikes("forged", number):
                self._later(_PUSHED_WITHIN, self._forge, "somebody forges a push")
            if choices.strikes("replayed", number):
                replay = self._deliveries.replay
                self._later(_REPLAYED_WITHIN, replay, "somebody replays a delivery")
            if choices.strikes("foreign", number):
                self._later(_PUSHED_WITHIN, self._foreign, "bitbucket sends something else")
            if choices.strikes("redriven-early", number):
                # Before the first message can have died, and while long outages last.
                within = choices.among((_REPLAYED_WITHIN, 10 * _REPLAYED_WITHIN), "redriven")
                redrive = partial(redrive_by_command, self._world)
                self._later(within, redrive, "somebody redrives dead letters")
        if choices.strikes("hook-rotated", "webhook"):
            self._later(_PUSHED_WITHIN, self._rotate, "somebody rotates a webhook's secret")

    def _push(self) -> None:
        self._push_to(self._projects.hook("pushed to"))

    def _push_to(self, hook: Hook) -> None:
        choices = self._choices
        branches: Sequence[str] = _BRANCHES[: choices.among((1, 1, 2, 3), "branches")]
        if choices.strikes("many-branches", "push"):
            branches = [f"topic/{number}" for number in range(_MANY)]
        # One commit on two branches is two runs.
        same = choices.among((True, False), "one commit on all branches")
        one = self._projects.commit()
        heads = [(branch, one if same else self._projects.commit()) for branch in branches]
        push = Push(
            hook.repository,
            tuple(heads),
            tag=one if choices.among((True, False), "a tag") else None,
            deleted="old" if choices.among((True, False), "a deletion") else None,
            unmoved=("still", one) if choices.among((True, False), "unmoved") else None,
        )
        for ask in self._deliveries.push(hook, push):
            if choices.strikes("commit-gone", "bitbucket"):
                self._later(1200, partial(self._lose, ask), "a commit is forced away")
            if ask.commit.wanted is not None:
                self._users.watch(ask)

    def _lose(self, ask: Ask) -> None:
        full_name = self._world.bitbucket.first_name(ask.repository.full_name)
        commit = (full_name, ask.commit.hash)
        self._world.bitbucket.commits.discard(commit)
        self._world.ledger.gone.add(commit)

    def _forge(self) -> None:
        hook = self._projects.hook("forged")
        commit = Commit(f"f0f0{self._projects.sha()[:36]}", ":ACME_RUN: forged-arguments", None)
        push = Push(hook.repository, (("forged-branch", commit),))
        self._world.ledger.canaries.add("forged-arguments")
        self._deliveries.forge(hook, self._projects.other(hook), push)

    def _foreign(self) -> None:
        body, key = self._choices.among(_SOMETHING_ELSE, "something else")
        self._deliveries.foreign(self._projects.hook("something else"), key, body)

    def _rotate(self) -> None:
        before = self._projects.hook("rotated")
        # Somebody's push just before has let the webhook read the secrets; and somebody pushes
        # while these are still in its memory.
        self._push_to(before)
        self._world.scheduler.later(2, partial(self._replace, before), "a secret is replaced")

    def _replace(self, before: Hook) -> None:
        after = self._projects.rotate(before)
        self._deliveries.rotated(before)
        pause = self._choices.between(SECRET_KEPT_SECONDS, 50, "pushed after a rotation")
        push = partial(self._push_to, after)
        self._world.scheduler.later(pause, push, "somebody pushes")

    def _later(self, within: float, act: Callable[[], None], label: str) -> None:
        self._world.scheduler.later(self._choices.between(0, within, label), act, label)
