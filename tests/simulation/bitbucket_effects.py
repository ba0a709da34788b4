"""What can happen to a request to Bitbucket, around a model that always answers."""

import json
from typing import Any

import urllib3.exceptions

from tests.simulation import names, telling
from tests.simulation.models.bitbucket import Answer
from tests.simulation.outages import Outages
from tests.simulation.world import World

# As shared/bitbucket_access.py has them.
_CONNECT_SECONDS = 3
_READ_SECONDS = 10
# What a gateway has kept back arrives by then, after nobody waits for it any more.
_LATEST_SECONDS = 45
# Whoever replaces a token does it at Bitbucket first, and writes the stack's secret then.
_WRITTEN_WITHIN = 30
_AUTH_SECRET = "BITBUCKET_AUTH_SECRET"
# Seconds, a time by Bitbucket's clock (RFC 9110, 10.2.3), or nothing that anybody can read.
_RETRY_AFTER = ("7", "600", "3600", "86400", "Fri, 20 Nov 2026 12:30:00 GMT", "soon", None)
# What Bitbucket's load balancer answers: no JSON.
_HTML = b"<html>something went wrong</html>"


def rotate_token(world: World, *, within: float = 0) -> None:
    """Give Bitbucket and the stack other credentials; the earlier ones are refused from now on.

    The stack's secret is written some seconds later, `within` at most.
    """
    token = f"ATCT-{len(world.secrets)}-{world.choices.seed:x}-s3cr3t"
    world.secrets.add(token)
    world.bitbucket.tokens.clear()
    world.bitbucket.tokens.add(f"Bearer {token}")
    secret = names.environment("notifier")[_AUTH_SECRET]
    text = json.dumps({"kind": "access_token", "token": token})

    def write() -> None:
        # Whoever has replaced them once more has written the newer ones, or is about to.
        if f"Bearer {token}" in world.bitbucket.tokens:
            world.secretsmanager.texts[secret] = text

    if within:
        after = world.choices.between(0, within, "the secret is written")
        world.scheduler.later(after, write, "the secret is written")
    else:
        write()


class EffectfulHttp:
    """What a service gets in the place of `urllib3.PoolManager`; `who` is who calls."""

    def __init__(self, world: World, outages: Outages, who: str) -> None:
        self._world = world
        self._outages = outages
        self._who = who

    def clear(self) -> None:
        """Let go of connections: there are none here that die while nobody looks."""

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        redirect: bool = True,
    ) -> Any:
        """Bitbucket's answer, or urllib3's error where none comes."""
        world, strikes = self._world, self._world.choices.strikes
        what = f"{self._who} {method} {url.rpartition('/')[2]}"
        pause = world.scheduler.pause
        if strikes("crash-before", what):
            world.scheduler.die()
        pause(world.choices.between(0.02, 0.2, "latency of Bitbucket"))
        refused = self._refused(what)
        if refused is not None:
            self._say(method, url, body, refused)
            return refused
        if method != "GET" and strikes("http-lands-late", what):
            self._land_late(method, url, body, headers)
        if strikes("http-slow", what):
            pause(world.choices.seconds(1, 9, what))
        answer = world.bitbucket.request(method, url, body, headers, redirect=redirect)
        self._say(method, url, body, answer)
        if strikes("http-unclear", what):
            # It is done, and nobody hears of it: in time, or at all.
            if world.choices.between(0, 1, what) < 0.3:
                return Answer(502, _HTML)
            pause(_READ_SECONDS)
            raise urllib3.exceptions.ReadTimeoutError(_pool(), url, "read timed out")
        pause(world.choices.between(0.02, 0.2, "latency of Bitbucket"))
        if strikes("crash-after", what):
            world.scheduler.die()
        return answer

    def _land_late(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str] | None
    ) -> None:
        """Give up waiting for what is done some time after that."""
        world = self._world

        def land() -> None:
            answer = world.bitbucket.request(method, url, body, headers)
            self._say(method, url, body, answer)

        after = _READ_SECONDS + world.choices.seconds(0, _LATEST_SECONDS, f"{self._who} {method}")
        world.scheduler.bring(after, land, f"{method} lands late")
        world.scheduler.pause(_READ_SECONDS)
        raise urllib3.exceptions.ReadTimeoutError(_pool(), url, "read timed out")

    def _refused(self, what: str) -> Answer | None:
        """The answer to a request that is not done."""
        world, strikes = self._world, self._world.choices.strikes
        if self._outages.hits("bitbucket"):
            world.count("calls during an outage of bitbucket")
            return Answer(503, _HTML)
        if strikes("not-reached", what):
            world.scheduler.pause(_CONNECT_SECONDS)
            raise urllib3.exceptions.ConnectTimeoutError(_pool(), "connect timed out")
        if strikes("http-401", what):
            # The credentials are changed at this very moment.
            rotate_token(world, within=_WRITTEN_WITHIN)
            world.count("tokens rotated")
        if self._outages.storms.throttle("bitbucket", what) or strikes("http-429", what):
            told = world.choices.among(_RETRY_AFTER, what)
            return Answer(429, b"{}", {} if told is None else {"Retry-After": told})
        if strikes("http-500", what):
            return Answer(500, b'{"error": {"message": "Internal error"}}')
        if strikes("http-502", what):
            return Answer(502, _HTML)
        return None

    def _say(self, method: str, url: str, body: bytes | None, answer: Answer) -> None:
        if self._world.trace.on:
            running = self._world.scheduler.running
            who = running.label if running else self._who
            self._world.trace.say(who, telling.request(method, url, body, answer.status))


def _pool() -> urllib3.connectionpool.ConnectionPool:
    return urllib3.connectionpool.ConnectionPool("api.bitbucket.org")
