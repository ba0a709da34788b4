"""The credentials: what git gets of them, and that nothing else does. Names that look like code."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.job_site import HttpHost, Site, basic, served
from tests.integration.waiting import gone

# Of this process alone: a stage looks at the processes of the whole machine.
TOKEN = f"tok-{secrets.token_hex(12)}"
SECRET = {"kind": "access_token", "token": TOKEN}
ONE_STAGE = "stages: {one: {cmd: sh one.sh, deps: [one.sh], outs: [one.txt: {cache: false}]}}"
# Reads whatever it may of every process of this user: its environment, arguments, open files.
SPY = """
import os, pathlib
token = (HALF + OTHER_HALF).encode()
seen = found = 0
for process in pathlib.Path("/proc").glob("[0-9]*"):
    files = [process / "environ", process / "cmdline"]
    if os.access(process / "fd", os.R_OK):
        try:
            files += [file for file in (process / "fd").iterdir() if "memfd" in os.readlink(file)]
        except OSError:
            pass
    for file in files:
        try:
            content = file.read_bytes()
        except OSError:
            continue
        seen += 1
        found += token in content
pathlib.Path("one.txt").write_text(f"{seen > 4} {found}")
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


def over_http(project: Site, host: HttpHost, secret: dict[str, str] | str = SECRET) -> Site:
    text = secret if isinstance(secret, str) else json.dumps(secret)
    return Site(project.root, host.url, {"BITBUCKET_AUTH": text})


def test_a_stage_finds_the_token_in_no_process_and_can_lay_no_trap_for_it(
    tmp_path: Path, host: HttpHost
) -> None:
    stolen, survivor = tmp_path / "stolen", tmp_path / "survivor"
    steal = f"cat /proc/self/fd/* >> {stolen} 2>&1; env >> {stolen}; id >> {stolen}"
    script = f"""
python3 spy.py
git config credential.helper '!f() {{ {steal}; }}; f'
git config core.fsmonitor '{steal}; false'
git config http.proxy http://127.0.0.1:1
git config url.http://127.0.0.1:1/.insteadOf {host.url}/
mkdir -p .git/hooks
printf '#!/bin/sh\\n{steal}\\n' > .git/hooks/pre-push
chmod +x .git/hooks/pre-push
cp .git/hooks/pre-push .git/hooks/pre-commit
setsid sh -c 'echo $$ > {survivor}; while sleep 0.1; do :; done' > /dev/null 2>&1 &
while ! test -s {survivor}; do sleep 0.05; done
"""
    # The token is in two halves, or the script itself would be a finding.
    spy = SPY.replace("OTHER_HALF", repr(TOKEN[8:])).replace("HALF", repr(TOKEN[:8]))
    files = {"dvc.yaml": ONE_STAGE, "one.sh": script, "spy.py": spy}
    site = over_http(Site.with_project(tmp_path, files), host)

    job = site.run()

    assert (job.code, job.result[1]) == (0, "main")
    assert site.show("main:one.txt") == "True 0"
    assert "processes that the stages had left running" in job.log
    assert gone(int(survivor.read_text()))
    assert stolen.exists()  # git ran one of the traps, without credentials
    assert TOKEN not in stolen.read_text()
    assert TOKEN not in job.log


def test_an_oauth_consumer_gets_its_token_and_a_host_that_is_away_is_asked_again(
    tmp_path: Path, host: HttpHost
) -> None:
    project = Site.with_project(tmp_path, {"dvc.yaml": ONE_STAGE, "one.sh": "echo 1 > one.txt"})
    consumer = {"kind": "oauth", "user": "consumer", "token": "consumer's secret"}
    host.consumer = basic("consumer", "consumer's secret")
    host.unavailable = 1

    job = over_http(project, host, consumer).run()

    assert (job.code, job.result[1]) == (0, "main")
    assert "trying again in 2 s" in job.log


@pytest.mark.parametrize(
    "secret",
    [f"not json {TOKEN}", {"kind": "password", "token": TOKEN}, {"kind": "oauth", "token": ""}],
    ids=["not JSON", "unknown kind", "empty token"],
)
def test_a_secret_of_another_form_is_described_and_not_shown(
    tmp_path: Path, host: HttpHost, secret: dict[str, str] | str
) -> None:
    job = over_http(Site.with_project(tmp_path, {}), host, secret).run()

    assert job.code == 65
    assert 'BITBUCKET_AUTH: it is not JSON of the form {"kind": ' in job.log
    assert TOKEN not in job.log


def test_a_missing_secret_is_named(tmp_path: Path, host: HttpHost) -> None:
    project = Site.with_project(tmp_path, {})

    job = Site(project.root, host.url).run()

    assert job.code == 65
    assert "BITBUCKET_AUTH is not set" in job.log


def test_branches_and_arguments_are_names_and_never_code(tmp_path: Path) -> None:
    branch = "--exec=$(touch${IFS}pwned)'\"`é;b"
    stages = "stages: {one: {cmd: cp params.yaml one.txt, params: [note], outs: [one.txt]}}"
    files = {"dvc.yaml": stages, "params.yaml": "note: none\n"}
    site = Site.with_project(tmp_path, files, branch)
    note = '$(touch pwned); `touch pwned` "é" :ACME_RUN:'

    job = site.run(f"--params 'note={note}'", experiment=True, branch=branch)

    assert job.code == 0
    assert job.result[1].startswith(f"experiment/{site.head[:7]}-")
    assert list(tmp_path.rglob("pwned")) == []
    assert note in site.show(f"{job.result[0]}:params.yaml")
