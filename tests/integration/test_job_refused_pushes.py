"""Results that Bitbucket refuses: for a moment, or for good."""

from pathlib import Path

import pytest

from tests.integration.job_site import Site, git

REFUSES = """#!/bin/sh
echo push >> PUSHES
test $(wc -l < PUSHES) -gt TIMES || exit 1
"""
STAGE = "stages: {one: {cmd: echo 1 > one.txt, outs: [one.txt: {cache: false}]}}"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.with_project(tmp_path, {"dvc.yaml": STAGE})


def refusing(site: Site, times: int) -> Path:
    """Let the host's hook refuse so many pushes; where it notes them."""
    pushes, hook = site.root / "pushes", site.origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(REFUSES.replace("PUSHES", str(pushes)).replace("TIMES", str(times)))
    hook.chmod(0o755)
    return pushes


@pytest.mark.parametrize("times", [1, 2])
def test_what_the_server_refuses_for_a_moment_gets_to_its_branch_after_a_pause(
    site: Site, times: int
) -> None:
    pushes = refusing(site, times)

    job = site.run()

    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert len(pushes.read_text().splitlines()) == times + 1
    assert job.said("refused by the server, trying again in 2 s")


def test_what_the_server_refuses_for_good_is_tried_a_few_times_and_given_up(site: Site) -> None:
    pushes = refusing(site, 1000)

    job = site.run()

    assert job.code == 69, job.log
    assert len(pushes.read_text().splitlines()) == 6  # three for each of the two branches


def test_a_branch_that_has_moved_on_is_not_tried_again(site: Site) -> None:
    pushes = refusing(site, 0)
    ran = site.head
    site.commit({"other.txt": "1\n"})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.run(commit=ran)

    assert (job.code, job.result[1:]) == (0, [f"results/main/{ran[:7]}-run1"]), job.log
    assert not job.said("trying again")
    assert site.branches()["main"] == site.head
    assert len(pushes.read_text().splitlines()) == 2  # its own, and the one of the job


def test_a_refusal_is_not_tried_again_once_the_time_for_results_is_over(site: Site) -> None:
    pushes = refusing(site, 1000)

    job = site.with_environment(CLOUD_RUNNER_TIMEOUT_SECONDS="1").run()

    assert job.code == 69, job.log
    assert not job.said("trying again")
    assert len(pushes.read_text().splitlines()) == 2  # one for each of the two branches
