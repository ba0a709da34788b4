"""Points of a sweep as DVC experiments of the working copy.

A point that DVC computed leaves its experiment as a git bundle in S3, since no branch and no ref of
Bitbucket's should be made for each of thousands. Only those that somebody wants are brought here.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from cli.experiments.git import Git
from cli.sweep.finding import Known, sweep_of
from cli.sweep.results import Results, Row
from cli.working_copy import WorkingCopy
from shared.aws import calling

_BUNDLE = "experiment.bundle"
# What git has of an experiment: DVC keeps data elsewhere. Jobs write it, so it may be anything.
_MOST_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20
# An experiment's own ref: its baseline in two parts, and its name (DVC 3:
# dvc/repo/experiments/refs.py). DVC keeps other things beside those, such as its queue, and the
# heads of a bundle are whatever the code of its point has written there.
_EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/[^/*?\[\s]+")


@dataclass(frozen=True)
class Fetched:
    """An experiment that is here now; `new` unless it was before."""

    row: Row
    name: str
    new: bool


def working_copy(known: Known) -> Git:
    """Git in the working copy that the command is typed in, with the sweep's commit in it.

    Raises:
        click.ClickException: there is none, it is of another project, or lacks the commit.

    """
    copy = WorkingCopy.find(Path.cwd())
    run = known.first
    full_name = run.repository.full_name if run.repository is not None else ""
    if copy is None:
        message = f"this is no git working copy: go to your clone of {full_name}"
        raise click.ClickException(message)
    here = copy.full_name()
    if here is not None and here != full_name.lower():
        message = f"this is a clone of {here}, and the sweep is of {full_name}: go to your clone"
        raise click.ClickException(message)
    git = Git(copy.root)
    if run.commit and not git.holds("cat-file", "-e", f"{run.commit}^{{commit}}"):
        message = f"this clone has no commit {run.commit[:12]}, of which the sweep is: git fetch"
        raise click.ClickException(message)
    return git


def chosen(results: Results, best: int, points: Sequence[tuple[int, int]]) -> list[Row]:
    """The points that are wanted: those that are named, else the best.

    Raises:
        click.ClickException: one of them is not there, or has not succeeded.

    """
    sweep = sweep_of(results.known.first)
    if sweep.command is not None:
        message = (
            "its points run a command and leave no experiments: what each has left is in S3 below "
            f"{results.known.place.folder}/points/"
        )
        raise click.ClickException(message)
    if not points:
        found = results.best()[:best]
        if not found:
            message = "no point has a value of the objective: name one with --point WAVE/INDEX"
            raise click.ClickException(message)
        return found
    rows = {(row.wave, row.index): row for row in results.rows}
    for wave, index in points:
        row = rows.get((wave, index))
        if row is None or row.state != "ok":
            state = "is not there" if row is None else f"is {row.state}"
            message = f"the point {wave}/{index} {state}: it has left no experiment"
            raise click.ClickException(message)
    return [rows[one] for one in points]


def fetch(s3: Any, bucket: str, results: Results, rows: Sequence[Row], git: Git) -> list[Fetched]:
    """Bring the experiments of points into a working copy.

    Raises:
        click.ClickException: a point has left none, or git refuses it.
        Unavailable: S3 failed.

    """
    found: list[Fetched] = []
    with tempfile.TemporaryDirectory(prefix="cloud-runner-") as folder:
        for row in rows:
            path = Path(folder, f"{row.wave}-{row.index}.bundle")
            key = results.known.place.left_by(row.wave, row.attempt or 1, row.index, _BUNDLE)
            _download(s3, bucket, key, path)
            found.append(_take(git, row, path))
    return found


def _download(s3: Any, bucket: str, key: str, path: Path) -> None:
    with calling("reading an experiment"):
        try:
            answer = s3.get_object(Bucket=bucket, Key=key)
            if answer["ContentLength"] > _MOST_BYTES:
                answer["Body"].close()
                message = (
                    f"the experiment s3://{bucket}/{key} has more than {_MOST_BYTES:,} bytes: "
                    "copy it with aws s3 cp, and git fetch from the file, if that is right"
                )
                raise click.ClickException(message)
            with path.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                    file.write(chunk)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NoSuchKey":
                raise
            message = f"there is no experiment s3://{bucket}/{key}: nothing has changed, perhaps"
            raise click.ClickException(message) from error


def _take(git: Git, row: Row, bundle: Path) -> Fetched:
    heads = [line.split(" ", 1) for line in git.lines("bundle", "list-heads", str(bundle))]
    refs = {ref: commit for commit, ref in heads if _EXPERIMENT.fullmatch(ref)}
    if len(refs) != 1:
        message = f"the bundle of point {row.wave}/{row.index} holds no experiment"
        raise click.ClickException(message)
    ((ref, commit),) = refs.items()
    here = git.lines("for-each-ref", "--format=%(objectname)", ref)
    if here and here != [commit]:
        message = f"another experiment {ref.rpartition('/')[2]} is here: dvc exp remove it first"
        raise click.ClickException(message)
    if not here:
        git.ask("fetch", "--quiet", "--no-tags", str(bundle), f"{ref}:{ref}")
    return Fetched(row, ref.rpartition("/")[2], new=not here)
