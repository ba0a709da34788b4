"""Where the login goes when a job brings files of Git LFS to Bitbucket: to its own repository.

git-lfs asks for it in the name of that, whatever place a file has led it to.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.job_site import HttpHost, Site, served
from tests.integration.test_job_traps import ONE_STAGE, TOKEN, over_http

pytestmark = pytest.mark.skipif(
    shutil.which("git-lfs") is None, reason="git-lfs is not installed: apt install git-lfs"
)

BATCH = "/team/parts.git/info/lfs/objects/batch"
SCRIPT = "echo 1 > one.txt\necho large > big.bin\n"
LEADS_AWAY = (
    "[lfs]\n\turl = EVIL\n",
    "[lfs]\n\tpushurl = EVIL\n",
    '[remote "origin"]\n\tlfsurl = EVIL\n\tlfspushurl = EVIL\n',
    '[remote "HOST/team/parts.git"]\n\tlfsurl = EVIL\n\tlfspushurl = EVIL\n',
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


def using_lfs(root: Path, host: HttpHost, **files: str) -> Site:
    """A project that keeps `big.bin` in Git LFS, and whose stage makes a new one."""
    own = {
        "dvc.yaml": ONE_STAGE,
        ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        "one.sh": SCRIPT,
        "big.bin": "",
    }
    return over_http(Site.with_project(root, {**own, **files}), host)


def leading_away(lfsconfig: str, host: HttpHost) -> str:
    evil = f"{host.url}/evil/other.git/info/lfs"
    return lfsconfig.replace("EVIL", evil).replace("HOST", host.url)


def asked(host: HttpHost) -> set[str]:
    """The repositories that requests were of, as `/workspace/slug.git`."""
    paths = (path for path, _ in host.heard if not path.startswith("/2.0/"))
    return {"/".join(path.split("/")[:3]) for path in paths}


@pytest.mark.parametrize("lfsconfig", LEADS_AWAY, ids=["url", "pushurl", "origin", "address"])
def test_an_lfsconfig_that_a_stage_has_written_leads_the_login_nowhere(
    tmp_path: Path, host: HttpHost, lfsconfig: str
) -> None:
    written = f"cat > .lfsconfig <<'END'\n{leading_away(lfsconfig, host)}END\n"
    tracked = {".lfsconfig": "[lfs]\n\tconcurrenttransfers = 1\n"}
    site = using_lfs(tmp_path, host, **{"one.sh": SCRIPT + written, **tracked})

    job = site.run()

    assert asked(host) == {"/team/parts.git"}
    assert BATCH in [path for path, _ in host.heard]
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log


def test_an_lfsconfig_of_whoever_pushed_leads_the_login_nowhere_when_results_are_pushed(
    tmp_path: Path, host: HttpHost
) -> None:
    """It says nothing of where files are fetched, and so nothing has been refused before."""
    lfsconfig = leading_away("[lfs]\n\tpushurl = EVIL\n", host)
    site = using_lfs(tmp_path, host, **{".lfsconfig": lfsconfig})

    job = site.run()

    assert asked(host) == {"/team/parts.git"}
    assert BATCH in [path for path, _ in host.heard]
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
