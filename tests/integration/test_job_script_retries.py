"""A job-run.sh that pushes by itself, and is started again after an earlier try has pushed."""

from pathlib import Path

import pytest

from tests.contracts.markdown import fences
from tests.integration.job_site import ROOT, Site, git

(BEGIN,) = (
    text
    for text in fences((ROOT / "docs/jobs.md").read_text(encoding="utf-8"), "sh")
    if "CLOUD_RUNNER_RETRY" in text
)
# Two epochs, of which each is pushed; the file `lost` stands for a machine that is lost in between.
SCRIPT = """#!/bin/sh
set -e
BEGIN
while [ $(wc -l < epochs.txt) -lt 2 ]; do
    echo "epoch $CLOUD_RUNNER_RETRY" >> epochs.txt
    git commit --quiet --all --message "An epoch"
    git push --quiet origin "HEAD:$branch"
    test -e LOST || { touch LOST; exit 9; }
done
"""


def with_script(tmp_path: Path, begin: str) -> Site:
    script = SCRIPT.replace("BEGIN", begin).replace("LOST", str(tmp_path / "lost"))
    site = Site.with_project(tmp_path, {"job-run.sh": script, "epochs.txt": ""})
    git(site.project, "update-index", "--chmod=+x", "job-run.sh")
    git(site.project, "commit", "--quiet", "--message", "Executable")
    git(site.project, "push", "--quiet", "origin", "main")
    return site


@pytest.mark.parametrize(("tries", "attempt"), [("2", "1"), ("1", "2")], ids=["try", "attempt"])
def test_a_script_that_begins_as_the_docs_say_goes_on_from_what_an_earlier_try_has_pushed(
    tmp_path: Path, tries: str, attempt: str
) -> None:
    site = with_script(tmp_path, BEGIN)

    lost = site.run()
    again = site.with_environment(AWS_BATCH_JOB_ATTEMPT=tries).run(attempt=attempt)

    assert lost.code == 72, lost.log
    assert (again.code, again.result[1:]) == (0, ["main"]), again.log
    assert site.show("main:epochs.txt").splitlines() == ["epoch ", "epoch 1"]


def test_the_first_try_of_the_first_attempt_is_no_further_one(tmp_path: Path) -> None:
    site = with_script(tmp_path, "env | grep CLOUD_RUNNER_RETRY && exit 1\nbranch=main")

    job = site.with_environment(AWS_BATCH_JOB_ATTEMPT="1").run()

    assert "An epoch" in site.message("main")
    assert job.code == 72  # of the machine that is lost
