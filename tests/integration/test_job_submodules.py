"""What a job fetches of other repositories, and to which of them its login goes."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.job_site import HttpHost, Site, basic, git, served

TOKEN = "tok-3n-f0r-0th3rs"
WITH_LFS = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
LARGE = b"large\n" * 1000
OID = hashlib.sha256(LARGE).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {len(LARGE)}\n"
ADVICE = "allow it with `cloud-runner project add team/parts --submodule team/library`; then rerun"

needs_lfs = pytest.mark.skipif(
    shutil.which("git-lfs") is None, reason="git-lfs is not installed: apt install git-lfs"
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        host.large[OID] = LARGE
        yield host


def over_http(project: Site, host: HttpHost, submodules: str = "", **secret: str) -> Site:
    secret = {"kind": "access_token", "token": TOKEN, **secret}
    environment = {"BITBUCKET_AUTH": json.dumps(secret), "ACME_RUN_COMMAND": "sh one.sh"}
    if submodules:
        environment["CLOUD_RUNNER_SUBMODULES"] = submodules
    return Site(project.root, host.url, environment)


def repository(root: Path, name: str, files: Mapping[str, str]) -> Path:
    """A repository `team/<name>` at the host; a working copy of it."""
    copy = root / name
    copy.mkdir()
    git(copy, "init", "--quiet", "--initial-branch=main", "--template=")
    for file, text in files.items():
        (copy / file).write_text(text)
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "A commit")
    git(root, "clone", "--quiet", "--bare", str(copy), f"{root}/origin/team/{name}.git")
    return copy


def with_submodule(project: Site, submodule: Path, url: str) -> Site:
    """The project with a submodule, named by a URL in which `HOST` is the host's."""
    allowed = ("-c", "protocol.file.allow=always")
    name = submodule.name
    git(project.project, *allowed, "submodule", "--quiet", "add", str(submodule), name)
    project.commit({".gitmodules": f'[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n'})
    git(project.project, "push", "--quiet", "origin", "main")
    return project


@pytest.fixture
def project(tmp_path: Path) -> Site:
    return Site.with_project(tmp_path, {"one.sh": "cp library/word one.txt\n", "one.txt": "0\n"})


@pytest.fixture
def library(project: Site) -> Path:
    return repository(project.root, "library", {"word": "hello"})


@pytest.mark.parametrize(
    "url",
    [
        "HOST/team/library.git",
        "HOST/team/library",
        "git@127.0.0.1:team/library.git",
        "../library.git",
        "HOST/team/parts.git/../library.git",
        "HOST/team/parts.git/%2e%2e/library.git",
        "HOST//team/library.git",
    ],
)
def test_a_submodule_of_another_repository_gets_no_login_that_nobody_has_allowed_it(
    host: HttpHost, project: Site, library: Path, url: str
) -> None:
    site = over_http(with_submodule(project, library, url.replace("HOST", host.url)), host)

    job = site.run()

    assert job.code == 66
    assert job.said("team/library") or job.said("is no address of a repository")
    assert not host.heard_a_login_for("library")
    assert host.heard_a_login_for("parts")
    assert site.branches() == {"main": site.head}


def test_who_wants_a_login_that_is_not_lent_is_told_how_to_allow_it(
    host: HttpHost, project: Site, library: Path
) -> None:
    with_submodule(project, library, f"{host.url}/team/library.git")

    first = over_http(project, host).run()
    second = over_http(project, host, "team/other").run()

    assert first.said("cloning: team/library wants a login, and jobs of team/parts lend theirs")
    assert first.said(ADVICE)
    assert second.said("add team/parts --submodule team/other --submodule team/library`")


@pytest.mark.parametrize("allowed", ["team/other,team/library", "*"])
@pytest.mark.parametrize("url", ["HOST/team/library", "git@127.0.0.1:team/library.git"])
def test_a_submodule_that_somebody_has_allowed_is_fetched(
    host: HttpHost, project: Site, library: Path, url: str, allowed: str
) -> None:
    site = over_http(with_submodule(project, library, url.replace("HOST", host.url)), host, allowed)

    job = site.run()

    assert job.code == 0, job.log
    assert site.show("main:one.txt") == "hello"


def test_submodules_on_the_same_host_are_fetched_with_an_api_token_if_they_are_allowed(
    host: HttpHost, project: Site, library: Path
) -> None:
    host.authorization = basic("x-bitbucket-api-token-auth", TOKEN)
    with_submodule(project, library, "git@127.0.0.1:team/library.git")

    job = over_http(project, host, "team/library", kind="api_token", user="a@localhost").run()

    assert job.code == 0, job.log
    assert project.show("main:one.txt") == "hello"


def test_a_public_submodule_is_fetched_without_a_login(
    host: HttpHost, project: Site, library: Path
) -> None:
    host.public.add("/team/library.git")

    job = over_http(with_submodule(project, library, "../library.git"), host).run()

    assert job.code == 0, job.log
    assert project.show("main:one.txt") == "hello"
    assert not host.heard_a_login_for("library")


def test_a_submodule_within_a_submodule_is_another_repository_as_well(
    host: HttpHost, project: Site, library: Path
) -> None:
    inner = repository(project.root, "inner", {"word": "secret"})
    allowed = ("-c", "protocol.file.allow=always")
    git(library, *allowed, "submodule", "--quiet", "add", str(inner), "inner")
    modules = f'[submodule "inner"]\n\tpath = inner\n\turl = {host.url}/team/inner.git\n'
    (library / ".gitmodules").write_text(modules)
    git(library, "commit", "--quiet", "--all", "--message", "One more")
    git(library, "push", "--quiet", f"{project.root}/origin/team/library.git", "main")
    with_submodule(project, library, "../library.git")

    job = over_http(project, host, "team/library").run()

    assert job.code == 66
    assert job.said("--submodule team/library --submodule team/inner")
    assert not host.heard_a_login_for("inner")


def using_lfs(root: Path, lfsconfig: str) -> Site:
    """A project with a large file, whose pointer is put together by hand."""
    files = {
        "one.sh": "cp big.bin one.txt\n",
        "one.txt": "0\n",
        ".gitattributes": WITH_LFS,
        "big.bin": POINTER,
    }
    return Site.with_project(root, {**files, **({".lfsconfig": lfsconfig} if lfsconfig else {})})


@needs_lfs
@pytest.mark.parametrize("lfsconfig", ["", "[lfs]\n\turl = HOST/team/parts.git/info/lfs\n"])
def test_large_files_of_the_projects_own_come_with_its_login(
    tmp_path: Path, host: HttpHost, lfsconfig: str
) -> None:
    project = using_lfs(tmp_path, lfsconfig.replace("HOST", host.url))

    job = over_http(project, host).run()

    assert job.code == 0, job.log
    assert project.show("main:one.txt").encode() + b"\n" == LARGE


@needs_lfs
@pytest.mark.parametrize(
    "lfsconfig",
    [
        "[lfs]\n\turl = HOST/team/library.git/info/lfs\n",
        "[lfs]\n\turl = HOST/team/parts.git/info/lfs/../../../library.git/info/lfs\n",
        '[remote "origin"]\n\tlfsurl = HOST/team/library.git/info/lfs\n',
    ],
)
def test_large_files_of_another_repository_get_no_login_that_nobody_has_allowed_it(
    tmp_path: Path, host: HttpHost, lfsconfig: str
) -> None:
    project = using_lfs(tmp_path, lfsconfig.replace("HOST", host.url))

    job = over_http(project, host).run()

    assert job.code == 66
    assert job.said(ADVICE) or job.said("is no address of a repository")
    assert not host.heard_a_login_for("library")


@needs_lfs
def test_another_host_of_large_files_that_leads_back_to_bitbucket_gets_nothing_of_it(
    tmp_path: Path, host: HttpHost
) -> None:
    with served(tmp_path / "nothing", "nobody", "nothing") as other:
        other.public.add("/team/trap.git")
        other.large_at = f"{host.url}/team/library/get/main.zip"
        lfsconfig = f"[lfs]\n\turl = {other.url}/team/trap.git/info/lfs\n"

        project = over_http(using_lfs(tmp_path, lfsconfig), host, "team/other")
        job = project.with_environment(
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0="lfs.transfer.maxretries",  # each after a longer pause
            GIT_CONFIG_VALUE_0="1",
        ).run()

    assert job.code == 66
    assert job.said("is no address of a repository: mend it in .gitmodules or .lfsconfig")
    assert any("library" in path for path, _ in host.heard)
    assert not host.heard_a_login_for("library")


@needs_lfs
def test_large_files_of_another_repository_come_if_somebody_has_allowed_it(
    tmp_path: Path, host: HttpHost
) -> None:
    project = using_lfs(tmp_path, f"[lfs]\n\turl = {host.url}/team/library.git/info/lfs\n")

    job = over_http(project, host, "team/library").run()

    assert job.code == 0, job.log
    assert host.heard_a_login_for("team/library.git/info/lfs")


@needs_lfs
def test_large_files_of_a_submodule_come_as_the_projects_own_do(
    host: HttpHost, project: Site
) -> None:
    library = repository(
        project.root,
        "library",
        {"word": POINTER, ".gitattributes": WITH_LFS.replace("*.bin", "word")},
    )
    with_submodule(project, library, "git@127.0.0.1:team/library.git")

    job = over_http(project, host, "team/library").run()

    assert job.code == 0, job.log
    assert project.show("main:one.txt").encode() + b"\n" == LARGE


@needs_lfs
def test_large_files_of_a_submodule_get_no_login_for_a_third_repository(
    host: HttpHost, project: Site
) -> None:
    files = {
        "word": POINTER,
        ".gitattributes": WITH_LFS.replace("*.bin", "word"),
        ".lfsconfig": f"[lfs]\n\turl = {host.url}/team/third.git/info/lfs\n",
    }
    with_submodule(project, repository(project.root, "library", files), "../library.git")

    job = over_http(project, host, "team/library").run()

    assert job.code == 66
    assert job.said("--submodule team/library --submodule team/third")
    assert not host.heard_a_login_for("third")
