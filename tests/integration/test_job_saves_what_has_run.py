"""The run cache is told of runs that were: not of stages that are to run, or are at work."""

import hashlib
import json
from pathlib import Path

import pytest

from container import saving
from tests.integration.in_dvcs_python import run
from tests.integration.job_site import Finished, Site, git

SOURCE = Path(saving.__file__).read_text(encoding="utf-8")
STAGES = """
stages:
  quick:
    cmd: cp quick.in quick.txt
    deps: [quick.in]
    outs: [quick.txt]
  slow:
    cmd: {slow} && cp quick.txt slow.txt
    deps: [quick.txt]
    outs: [slow.txt]
  evaluate:
    cmd: echo a={a} > m.toml && cp m.toml plain.txt
    deps: [in.txt]
    metrics:
    - m.toml: {{cache: false}}
    outs:
    - plain.txt: {{cache: false}}
"""
# Ends when the remote knows a run, and fails if that does not happen in two minutes.
UNTIL_SAVED = "timeout 120 sh -c 'until ls {runs}/*/*/* >/dev/null 2>&1; do sleep 0.1; done'"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Site:
    """A project that was run at home, and whose runs the remote does not know."""
    files = {"dvc.yaml": STAGES.format(slow="true", a=1), "quick.in": "1\n", "in.txt": "1\n"}
    site = Site.with_project(tmp_path, files)
    site.dvc("repro", "--quiet")
    site.dvc("push", "--quiet")
    return site


def run_changed(site: Site, run_id: str, slow: str) -> Finished:
    """Run a job with another command for `slow`, a new one for `evaluate`, and other input."""
    site.commit({"dvc.yaml": STAGES.format(slow=slow, a=2), "quick.in": f"{run_id}\n"})
    git(site.project, "push", "--quiet", "origin", "main")
    return site.run(run_id=run_id)


def test_a_command_that_is_new_is_run_although_what_ended_before_was_saved(elsewhere: Site) -> None:
    job = run_changed(elsewhere, "run1", UNTIL_SAVED.format(runs=elsewhere.data / "runs"))

    assert job.code == 0, job.log
    assert elsewhere.show("main:m.toml") == elsewhere.show("main:plain.txt") == "a=2"


def test_a_command_that_is_new_is_run_although_a_failed_run_was_saved(elsewhere: Site) -> None:
    failed = run_changed(elsewhere, "run1", "exit 3")
    job = run_changed(elsewhere, "run2", "true")

    assert (failed.code, job.code) == (71, 0), failed.log + job.log
    assert elsewhere.show("main:m.toml") == elsewhere.show("main:plain.txt") == "a=2"


PLAIN = """
stages:
  one:
    cmd: sh one.sh
    deps: [one.sh, folder]
    params: [a, b]
    outs:
    - cached.txt
    - plain.txt: {cache: false}
    - plain: {cache: false}
"""
ONE = {
    "dvc.yaml": PLAIN,
    "one.sh": "mkdir -p plain/of && cp folder/1 plain/of/1 && cp folder/1 cached.txt"
    " && cp folder/2 plain.txt && chmod +x plain.txt\n",
    "folder/1": "1\n",
    "folder/2": "2\n",
    "params.yaml": "a: 0.10\nb: [1, x]\n",
}


@pytest.fixture
def one(tmp_path: Path) -> Site:
    """A stage that has run here, which DVC does not note since it has plain outputs."""
    site = Site.with_project(tmp_path, ONE)
    site.dvc("repro", "--quiet")
    return site


def save(site: Site, before: str = "") -> dict[str, object]:
    """What `saving` says of the stages; `before` is Python that runs first."""
    source = SOURCE.replace("if __name__ ==", before + "if __name__ ==")
    said = run(site.root, "python", "-c", source, "stages", str(site.project))
    found: dict[str, object] = json.loads(said.rpartition(saving.MARK)[2])
    return found


def noted(site: Site) -> int:
    return len(list(site.data.glob("runs/*/*/*")))


def contents(store: Path) -> set[str]:
    """The contents of the files in a cache or at a remote, each of which must fit its name."""
    files = list(store.glob("files/md5/*/*"))
    for file in files:
        md5 = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
        assert file.parent.name + file.name.removesuffix(".dir") == md5
    return {file.read_text() for file in files if file.suffix != ".dir"}


def test_a_run_with_plain_outputs_is_noted_and_its_files_are_left_alone(one: Site) -> None:
    files = [one.project / name for name in ("plain.txt", "plain/of/1")]
    before = [file.stat() for file in files]

    told = save(one)

    assert (told["failed"], noted(one)) == (0, 1)
    assert contents(one.data) == {"1\n", "2\n"}
    after = [file.stat() for file in files]
    assert [(file.st_ino, file.st_mode) for file in after] == [
        (file.st_ino, file.st_mode) for file in before
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cmd: sh one.sh", "cmd: sh one.sh new"),
        ("deps: [one.sh, folder]", "deps: [one.sh]"),
        ("deps: [one.sh, folder]", "deps: [one.sh, folder, params.yaml]"),
        ("params: [a, b]", "params: [a]"),
        ("    - cached.txt\n", ""),
    ],
)
def test_a_stage_that_was_defined_anew_is_not_noted(one: Site, old: str, new: str) -> None:
    assert old in PLAIN
    (one.project / "dvc.yaml").write_text(PLAIN.replace(old, new))

    told = save(one)

    assert (told["failed"], noted(one)) == (0, 0)


@pytest.mark.parametrize("name", ["plain.txt", "plain/of/1", "cached.txt", "folder/1", "one.sh"])
def test_a_stage_whose_files_are_other_ones_now_is_not_noted(one: Site, name: str) -> None:
    (one.project / name).unlink()
    (one.project / name).write_text("half")

    told = save(one)

    assert (told["failed"], noted(one), contents(one.data)) == (0, 0, set())


@pytest.mark.parametrize("gone", [["plain.txt"], ["folder/1", "folder/2"]])
def test_a_stage_whose_files_are_not_here_does_not_hinder_others(
    one: Site, gone: list[str]
) -> None:
    other = "  other: {cmd: cp one.sh other.txt, deps: [one.sh], outs: [other.txt]}\n"
    (one.project / "dvc.yaml").write_text(PLAIN + other)
    one.dvc("repro", "--quiet", "other")
    for name in gone:
        (one.project / name).unlink()
    if not any((one.project / "folder").iterdir()):
        (one.project / "folder").rmdir()

    told = save(one)

    assert (told["failed"], noted(one)) == (0, 1)
    assert contents(one.data) == {ONE["one.sh"]}


OUTSIDE = """
  odd:
    cmd: cp one.sh {path}
    deps: [one.sh]
    outs:
    - {named}: {{cache: false}}
"""


@pytest.mark.parametrize("named", ["{path}", "remote://storage/outside.txt"])
def test_a_plain_output_outside_the_project_does_not_hinder_others(one: Site, named: str) -> None:
    path = one.data / "outside.txt"
    one.data.mkdir()
    other = OUTSIDE.format(path=path, named=named.format(path=path))
    (one.project / "dvc.yaml").write_text(PLAIN + other)
    one.dvc("repro", "--quiet", "odd")

    told = save(one)

    assert path.read_text() == ONE["one.sh"]
    assert (told["failed"], noted(one)) == (0, 1)
    assert contents(one.data) == {"1\n", "2\n"}


FROM_A_DATABASE = """
deps:
- db: {connection: nowhere, query: SELECT 1, file_format: csv}
outs:
- path: rows.csv
  cache: false
"""
FROM_THE_WEB = """
  odd:
    cmd: touch odd.txt
    deps: ["http://127.0.0.1:1/rows.csv"]
    outs:
    - odd.txt: {cache: false}
"""


def test_stages_that_read_elsewhere_do_not_hinder_others(one: Site) -> None:
    (one.project / "rows.csv.dvc").write_text(FROM_A_DATABASE)
    (one.project / "dvc.yaml").write_text(PLAIN + FROM_THE_WEB)

    told = save(one)

    assert (told["failed"], noted(one)) == (0, 1)


# A stage that nobody has foreseen.
ODD = """
known = _restorable
def _restorable(stage):
    assert stage.addressing != "odd", "nobody has foreseen it"
    return known(stage)
"""


def test_a_stage_that_nobody_has_foreseen_does_not_hinder_others_and_is_told(
    one: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = "  odd: {cmd: touch odd.txt, deps: [one.sh], outs: [{odd.txt: {cache: false}}]}\n"
    (one.project / "dvc.yaml").write_text(PLAIN + odd)

    told = save(one, ODD)

    assert (told["failed"], noted(one)) == (0, 1)
    said = "the run of odd is not saved: AssertionError: nobody has foreseen it\n"
    assert said in capfd.readouterr().err


# Another process writes the file between DVC's two looks at it, for its hash and for a copy.
OVERWRITTEN = """
import dvc_data.hashfile.transfer as copying
transfer = copying.transfer
def late(*arguments, **options):
    with open("plain.txt", "w") as file:
        file.write("half")
    return transfer(*arguments, **options)
copying.transfer = late
"""


def test_what_is_written_while_it_is_copied_is_not_kept(one: Site) -> None:
    told = save(one, OVERWRITTEN)

    assert (told["failed"], noted(one), contents(one.data)) == (0, 0, set())
    assert contents(one.project / ".dvc" / "cache") == {"1\n"}


@pytest.mark.parametrize("command", ["make", "{no: command}"])
def test_a_run_that_cannot_be_read_or_had_does_not_hinder_others(one: Site, command: str) -> None:
    entry = one.project / ".dvc/cache/runs" / "ab" / ("ab" * 32) / ("cd" * 32)
    entry.parent.mkdir(parents=True)
    entry.write_text(
        f"cmd: {command}\ndeps:\n- {{path: a, hash: md5, md5: {'0' * 32}}}\n"
        f"outs:\n- {{path: b, hash: md5, md5: {'0' * 32}.dir}}\n"
    )

    told = save(one)

    assert (told["failed"], noted(one)) == (0, 1)
