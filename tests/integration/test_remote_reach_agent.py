"""Our agent on a machine in a directory, called as the command line does: through a shell there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.remote.agent_calls import Agent, AgentRefused
from cli.remote.reach_ssm import SystemsManager
from local.machines.sandbox import Sandbox
from tests.fakes import Clock
from tests.integration.bitbucket_stand_in import commit
from tests.integration.bitbucket_stand_in import git as run_git
from tests.integration.remote_reach_world import (
    MACHINE_ID,
    Ec2Client,
    Ssm,
    a_machine,
    ec2_of,
)
from tests.samples import REGION, RUN_ID

_NOBODY = "http://127.0.0.1:9"
TERMS = {
    "name": "first",
    "instance": MACHINE_ID,
    "region": REGION,
    "max_seconds": 3600,
    "idle_seconds": None,
    "finish_seconds": 900,
    "afterwards": "keep",
    "notify": None,
}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    secrets = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    sandbox = Sandbox(tmp_path / "machine", {"AWS_ENDPOINT_URL": _NOBODY, **secrets})
    sandbox.boot(b"#!/bin/sh\n")
    try:
        yield sandbox
    finally:
        sandbox.power_off()


@pytest.fixture
def agent(sandbox: Sandbox, tmp_path: Path) -> Agent:
    def runs(script: str) -> tuple[int, bytes, bytes]:
        done = sandbox.run(script, 300)
        return done.code, done.stdout, done.stderr

    clock = Clock()
    ssm = Ssm(tmp_path, clock, runs=runs)
    return Agent(SystemsManager(a_machine(), ssm=ssm, sends=ssm, ec2=ec2_of(Ec2Client(), clock)))


def an_order(run_id: str = RUN_ID, **prepared: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "attempt": 1,
        "instance": MACHINE_ID,
        "region": REGION,
        "name": None,
        "argv": ["sleep", "1000"],
        "environment": {},
        "secret": None,
        "docker": None,
        "cwd": "work",
        "results_paths": [],
        "log_path": "/var/tmp/experiment.log",
        "bucket": "acme-data",
        "prefix": "remote",
        "afterwards": "keep",
        "notify": None,
        "log_group": None,
        "log_stream": None,
        "queue_url": None,
        "prepared": {"docker": None, "git": None, "branch": None, "program_uri": None, **prepared},
    }


def test_a_machine_without_our_agent_says_so(agent: Agent) -> None:
    with pytest.raises(AgentRefused, match="check on the machine"):
        agent.check()


def test_a_machine_without_python_says_so(agent: Agent, sandbox: Sandbox) -> None:
    sandbox.command("python3", "#!/bin/sh\necho 'python3: broken' >&2\nexit 1\n")
    agent.install()

    with pytest.raises(AgentRefused, match="python3: broken"):
        agent.check()


def test_an_agent_that_was_put_there_is_armed_and_tells_how_the_machine_is(agent: Agent) -> None:
    agent.install()
    armed = agent.arm(TERMS)
    checked = agent.check()

    assert armed.watchdog
    assert armed.ends_at is not None
    assert 3500 < (armed.ends_at - datetime.now(UTC)).total_seconds() < 3601
    assert (checked.watchdog, checked.busy) == (True, None)
    assert checked.boto3
    assert (checked.free_bytes or 0) > 0


def test_the_same_agent_is_left_where_it_is(agent: Agent, sandbox: Sandbox) -> None:
    agent.install()
    program = sandbox.root / "var/lib/cloud-runner/agent.pyz"
    before = program.stat().st_ino
    agent.install()
    folder = [path.name for path in program.parent.iterdir()]

    assert program.stat().st_ino == before
    assert folder == ["agent.pyz"]


def test_another_agent_takes_its_place(agent: Agent, sandbox: Sandbox) -> None:
    agent.install()
    program = sandbox.root / "var/lib/cloud-runner/agent.pyz"
    content = program.read_bytes()
    program.write_bytes(b"of an older version")
    agent.install()

    assert program.read_bytes() == content


def test_an_order_begins_once_however_often_it_arrives(agent: Agent) -> None:
    agent.install()
    agent.arm(TERMS)
    first, again = agent.begin(an_order()), agent.begin(an_order())
    other = agent.begin(an_order("8" * 24))

    assert (first.begun, first.busy) == (True, None)
    assert (again.begun, again.busy) == (False, RUN_ID)
    assert (other.begun, other.busy) == (False, RUN_ID)
    assert agent.check().busy == RUN_ID


def test_nothing_begins_without_a_watchdog(agent: Agent) -> None:
    agent.install()

    with pytest.raises(AgentRefused, match="no watchdog"):
        agent.begin(an_order())


def test_an_answer_that_is_none_is_no_success(agent: Agent, sandbox: Sandbox) -> None:
    agent.install()
    sandbox.command("python3", "#!/bin/sh\necho hello\n")

    with pytest.raises(AgentRefused, match="something else than was asked for"):
        agent.check()


def test_setting_up_makes_ready_what_a_module_needs(agent: Agent) -> None:
    agent.install()
    agent.arm(TERMS)
    wanted = {"docker": None, "registry_login": False, "git": None, "branch": None}

    agent.setup({**wanted, "program_uri": None, "boto3": "1.43.0"})


def test_a_repository_that_cannot_be_cloned_is_told(agent: Agent, tmp_path: Path) -> None:
    agent.install()
    agent.arm(TERMS)
    wanted = {"docker": None, "registry_login": False, "branch": None, "program_uri": None}

    with pytest.raises(AgentRefused, match="cannot be cloned"):
        agent.setup({**wanted, "git": str(tmp_path / "nowhere"), "boto3": "1.43.0"})


def test_nothing_begins_of_what_was_not_made_ready_and_that_is_said(
    agent: Agent, tmp_path: Path
) -> None:
    agent.install()
    agent.arm(TERMS)
    git = str(tmp_path / "study")
    run_git(tmp_path, "init", "--quiet", "--initial-branch=v2", git)
    head = commit(tmp_path / "study")

    with pytest.raises(AgentRefused, match="setup"):
        agent.begin(an_order(git=git, branch="v2"))

    assert agent.check().busy is None
    assert agent.check().commit is None
    wanted = {"docker": None, "registry_login": False, "git": git, "branch": "v2"}
    agent.setup({**wanted, "program_uri": None, "boto3": "1.43.0"})

    with pytest.raises(AgentRefused, match="setup"):
        agent.begin(an_order(git=git))

    assert agent.check().commit == head
    assert agent.begin(an_order(git=git, branch="v2")).begun
