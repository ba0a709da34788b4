"""Who may send webhooks, what each delivery is answered, and that five of one are one."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.trivial import TRIVIAL, trivial_job
from tests.e2e.world import World, push_body, until

EXAMPLE = "acme/faulty-parts"
PAYLOADS = Path(__file__).parents[1] / "payloads"


def _commit() -> str:
    return uuid.uuid4().hex + "00000000"


def _settled(world: World) -> bool:
    return until(lambda: world.messages()["pushes"] == 0)


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({"X-Hub-Signature": ""}, None),
        ({}, "a wrong secret"),
        ({"X-Hub-Signature": "sha256="}, None),
        ({"X-Hook-UUID": ""}, None),
        ({"X-Hook-UUID": "11111111-1111-4111-8111-111111111111"}, None),
    ],
    ids=["unsigned", "wrongly signed", "empty signature", "no webhook", "unknown webhook"],
)
def test_a_webhook_that_proves_nothing_gets_401_and_leaves_nothing(
    world: World, headers: dict[str, str], secret: str | None
) -> None:
    # A commit that is there, so that a status could be.
    commit = world.bitbucket.request("GET", f"/2.0/repositories/{EXAMPLE}/commit/main")["hash"]
    body = push_body(world, EXAMPLE, "forged", commit, ":ACME_RUN:")

    answer = world.deliver(body, headers=headers, secret=secret)

    assert answer.status == 401
    assert _settled(world)
    assert world.run(EXAMPLE, "forged", commit) is None
    assert world.statuses(EXAMPLE, commit) == []


def test_a_webhook_speaks_for_its_own_repository_only(world: World) -> None:
    commit = _commit()
    body = push_body(world, TRIVIAL, "main", commit, ":ACME_RUN:")  # signed for the example

    answer = world.deliver(body)

    assert answer.status == 401
    assert _settled(world)
    assert world.run(TRIVIAL, "main", commit) is None


def test_a_webhook_speaks_for_no_other_repository_under_its_own_name(world: World) -> None:
    commit = _commit()
    body = json.loads(push_body(world, TRIVIAL, "main", commit, ":ACME_RUN:"))
    body["repository"]["full_name"] = EXAMPLE  # the example's name, and the other one's uuid

    answer = world.deliver(json.dumps(body).encode())

    assert answer.status == 401
    assert _settled(world)
    assert world.run(TRIVIAL, "main", commit) is None


def test_what_was_refused_leaves_a_log_line_that_the_metric_filter_counts(world: World) -> None:
    request = str(uuid.uuid4())
    body = push_body(world, EXAMPLE, "forged", _commit(), ":ACME_RUN:")
    forged = world.deliver(body, secret="a wrong secret", headers={"X-Request-UUID": request})
    assert forged.status == 401
    logs = world.client("logs")
    group = "/aws/lambda/acme-development-cloud-runner-webhook"

    def lines() -> list[dict[str, str]]:
        messages = [e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]]
        told = [json.loads(m) for m in messages if m.startswith("{")]
        return [line for line in told if line.get("message_id") == request]

    (line,) = until(lines)
    assert (line["event"], line["level"]) == ("webhook refused", "warning")
    filters = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert '{ $.event = "webhook refused" }' in [one["filterPattern"] for one in filters]


def test_the_same_webhook_five_times_at_once_is_one_job(world: World, tmp_path: Path) -> None:
    trivial_job(world, ["true"])
    clone = world.clone(TRIVIAL, tmp_path / "clone")
    commit = clone.push("Once\n\n:ACME_RUN:\n", "five-times")
    (delivered,) = until(lambda: world.delivered(TRIVIAL, commit))

    with ThreadPoolExecutor(5) as pool:
        again = list(pool.map(lambda _: world.bitbucket.redeliver(delivered["id"]), range(5)))

    assert len(again) == 5
    assert until(lambda: len(world.delivered(TRIVIAL, commit)) == 6)
    assert world.final_status(TRIVIAL, commit)[0] == "SUCCESSFUL"
    assert until(lambda: not any(world.messages().values())), world.messages()
    run = world.run(TRIVIAL, "five-times", commit)
    assert run is not None
    assert len(world.jobs(run.run_id)) == 1


def test_every_known_payload_is_answered_as_designed_and_never_5xx(world: World) -> None:
    answers = {}
    uid = world.bitbucket.request("GET", f"/2.0/repositories/{EXAMPLE}")["uuid"]
    for path in sorted(PAYLOADS.glob("bitbucket_*/**/*.json")):
        if "openapi" in str(path) or path.name in {"headers.json", "hmac_vectors.json"}:
            continue
        content = json.loads(path.read_text())
        expected = 400
        if path.parts[-2] == "push":
            content["repository"] |= {"full_name": EXAMPLE, "uuid": uid}
            branches = [
                c
                for c in content["push"]["changes"]
                if c.get("new")
                and c["new"]["type"] == "branch"
                and (c.get("old") or {}).get("target", {}).get("hash") != c["new"]["target"]["hash"]
            ]
            expected = 202 if branches else 204
        kind = "repo:push" if path.parts[-2] != "other_events" else "pullrequest:created"
        if path.parts[-2] == "other_events":
            expected = 204
        answer = world.deliver(json.dumps(content).encode(), headers={"X-Event-Key": kind})
        answers[str(path.relative_to(PAYLOADS))] = (answer.status, expected)

    assert len(answers) > 20
    assert {k: v for k, v in answers.items() if v[0] != v[1]} == {}
    assert _settled(world)
    assert world.dead_letters() == {}


def test_a_body_above_a_mebibyte_gets_413(world: World) -> None:
    assert world.deliver(b"x" * (1024 * 1024 + 1)).status == 413


def test_a_bad_keyword_becomes_a_failed_status_that_says_what_to_write(
    world: World, tmp_path: Path
) -> None:
    clone = world.clone(EXAMPLE, tmp_path / "clone")
    commit = clone.push("More\n\n:ACME_RUN: train\n:ACME_MEMORY: 32GB\n", "bad-keyword")

    state, description = world.final_status(EXAMPLE, commit)
    assert state == "FAILED"
    assert "memory is a whole number of MiB: write 32768" in description
    run = world.run(EXAMPLE, "bad-keyword", commit)
    assert run is not None
    assert world.jobs(run.run_id) == []
