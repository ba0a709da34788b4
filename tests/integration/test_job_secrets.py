"""The credentials: what git gets of them, and that nothing else does. And names that try to be code."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.job_site import HttpHost, Site, basic, git, served

TOKEN = "tok-3n-f0r-th3-t3st"
SECRET = json.dumps({"kind": "access_token", "token": TOKEN})
# Reads whatever it may of every process of this user; says which, and whether the token is there.
SPY = """
import pathlib, sys
seen = found = 0
for process in pathlib.Path("/proc").glob("[0-9]*"):
    files = [process / "environ", process / "cmdline", *((process / "fd").iterdir() if process.name == "self" else [])]
    try:
        files += list((process / "fd").iterdir())
    except OSError:
        pass
    for file in files:
        try:
            if file.name in ("environ", "cmdline") or "memfd" in str(file.readlink()):
                with open(file, "rb") as source:
                    content = source.read(1 << 20)
                seen += 1
                found += TOKEN in content
        except OSError:
            pass
pathlib.Path("spied.txt").write_text(f"{seen > 3} {found}")
"""
SPY_STAGE = (
    "stages: {spy: {cmd: python3 spy.py, deps: [spy.py], outs: [spied.txt: {cache: false}]}}"
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


def secret_site(host: HttpHost, site: Site, secret: str = SECRET) -> Site:
    return Site(site.root, host.url, {"BITBUCKET_AUTH": secret})


def test_a_stage_finds_the_token_in_no_process(tmp_path: Path, host: HttpHost) -> None:
    # The token is put together, or the script itself would be a finding.
    spy = SPY.replace("TOKEN", f"({TOKEN[:8]!r} + {TOKEN[8:]!r}).encode()")
    project = Site.with_project(tmp_path, {"dvc.yaml": SPY_STAGE, "spy.py": spy})
    site = secret_site(host, project)

    job = site.run()

    assert job.code == 0
    assert site.show("main:spied.txt") == "True 0"
    assert TOKEN not in job.log


def test_what_a_stage_leaves_behind_gets_no_token_either(tmp_path: Path, host: HttpHost) -> None:
    stolen, survivor = tmp_path / "stolen", tmp_path / "survivor"
    steal = f"cat /proc/self/fd/* >> {stolen} 2>&1; env >> {stolen}; id >> {stolen}"
    script = f"""
git config credential.helper '!f() {{ {steal}; }}; f'
git config core.fsmonitor '{steal}; false'
git config http.proxy http://127.0.0.1:1
git config url.http://127.0.0.1:1/.insteadOf {host.url}/
mkdir -p .git/hooks
printf '#!/bin/sh\\n{steal}\\n' > .git/hooks/pre-push
chmod +x .git/hooks/pre-push
cp .git/hooks/pre-push .git/hooks/pre-commit
(setsid sh -c 'while sleep 0.1; do echo $$ > {survivor}; done' > /dev/null 2>&1 &)
while ! test -e {survivor}; do sleep 0.05; done
echo 1 > one.txt
"""
    stages = "stages: {one: {cmd: sh one.sh, deps: [one.sh], outs: [one.txt]}}"
    project = Site.with_project(tmp_path, {"dvc.yaml": stages, "one.sh": script})
    site = secret_site(host, project)

    job = site.run()

    assert job.code == 0
    assert job.result[1] == "main"
    assert "processes that the stages had left running" in job.log
    assert not Path(f"/proc/{survivor.read_text().strip()}").exists()
    assert TOKEN not in (stolen.read_text() if stolen.exists() else "")


@pytest.mark.parametrize(
    ("secret", "user"),
    [
        (
            {"kind": "api_token", "user": "someone@example.org", "token": TOKEN},
            "x-bitbucket-api-token-auth",
        ),
        ({"kind": "oauth", "user": "consumer", "token": "consumer's secret"}, "x-token-auth"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_other_kinds_of_credentials_are_presented_as_bitbucket_wants_them(
    tmp_path: Path, host: HttpHost, secret: dict[str, str], user: str
) -> None:
    stages = "stages: {one: {cmd: echo 1 > one.txt, outs: [one.txt]}}"
    site = secret_site(host, Site.with_project(tmp_path, {"dvc.yaml": stages}), json.dumps(secret))
    host.authorization = basic(user, TOKEN)
    host.consumer = basic("consumer", "consumer's secret")

    job = site.run()

    assert (job.code, job.result[1]) == (0, "main")


def test_a_host_that_is_away_for_a_moment_is_asked_again(tmp_path: Path, host: HttpHost) -> None:
    stages = "stages: {one: {cmd: echo 1 > one.txt, outs: [one.txt]}}"
    site = secret_site(host, Site.with_project(tmp_path, {"dvc.yaml": stages}))
    host.unavailable = 1

    job = site.run()

    assert (job.code, job.result[1]) == (0, "main")
    assert "trying again in 2 s" in job.log


def test_submodules_of_the_same_host_are_fetched_with_the_credentials(
    tmp_path: Path, host: HttpHost
) -> None:
    stages = "stages: {one: {cmd: cp library/word one.txt, deps: [library/word], outs: [one.txt]}}"
    project = Site.with_project(tmp_path, {"dvc.yaml": stages})
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet", "--initial-branch=main", "--template=")
    (library / "word").write_text("hello")
    git(library, "add", "--all")
    git(library, "commit", "--quiet", "--message", "A word")
    git(tmp_path, "clone", "--quiet", "--bare", str(library), f"{tmp_path}/origin/team/library.git")
    added = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", "library")
    git(project.project, *added, str(library), "library")
    modules = '[submodule "library"]\n\tpath = library\n\turl = git@127.0.0.1:team/library.git\n'
    project.commit({".gitmodules": modules})
    git(project.project, "push", "--quiet", "origin", "main")

    job = secret_site(host, project).run()

    assert job.code == 0
    assert "hello" in {path.read_text() for path in project.data.glob("files/md5/*/*")}


@pytest.mark.parametrize(
    "secret", ["not json " + TOKEN, json.dumps({"kind": "password", "token": TOKEN})]
)
def test_a_secret_of_another_form_is_described_and_not_shown(
    tmp_path: Path, host: HttpHost, secret: str
) -> None:
    site = secret_site(host, Site.with_project(tmp_path, {}), secret)

    job = site.run()

    assert job.code == 65
    assert "BITBUCKET_AUTH" in job.log
    assert TOKEN not in job.log


def test_a_missing_secret_is_named(tmp_path: Path, host: HttpHost) -> None:
    project = Site.with_project(tmp_path, {})

    job = Site(tmp_path, host.url).run(commit=project.head)

    assert job.code == 65
    assert "BITBUCKET_AUTH is not set" in job.log


@pytest.mark.parametrize("branch", ["-x", "--upload-pack=touch", "a$(touch pwned)'\"`é;b"])
def test_a_branch_may_have_any_name_that_git_allows(tmp_path: Path, branch: str) -> None:
    stages = "stages: {one: {cmd: echo 1 > one.txt, outs: [one.txt]}}"
    site = Site.with_project(tmp_path, {"dvc.yaml": stages}, branch)

    job = site.run(branch=branch, experiment=True)

    assert (job.code, job.result[1]) == (0, branch)
    assert list(tmp_path.rglob("pwned")) == []


def test_no_shell_sees_the_arguments(tmp_path: Path) -> None:
    stages = "stages: {one: {cmd: cp params.yaml one.txt, params: [note], outs: [one.txt]}}"
    files = {"dvc.yaml": stages, "params.yaml": "note: none\n"}
    site = Site.with_project(tmp_path, files)

    job = site.run("--params 'note=$(touch pwned); `touch pwned` \"é\"'", experiment=True)

    assert job.code == 0
    assert list(tmp_path.rglob("pwned")) == []
    assert '$(touch pwned); `touch pwned` "é"' in site.show("main:params.yaml")


def test_a_keyword_in_the_arguments_stands_at_no_lines_start(tmp_path: Path) -> None:
    stages = "stages: {one: {cmd: echo 1 > one.txt, outs: [one.txt]}}"
    site = Site.with_project(tmp_path, {"dvc.yaml": stages})

    job = site.run("one :ACME_RUN:", run_id=":ACME_RUN:")

    assert job.code == 255  # there is no such stage
    assert job.result == []
