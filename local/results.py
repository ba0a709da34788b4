"""What a run left behind in its repository: the result commit and how the metrics differ."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local.layout import Tools

_TRAILER = "%(trailers:key=Cloud-Run-Id,valueonly)"


def result_commit(working_copy: Path, commit: str) -> str | None:
    """The newest commit after `commit`, on any branch of the remote, that a run has made."""
    listed = subprocess.run(
        ["git", "log", "--remotes", f"--format=%H {_TRAILER}", f"^{commit}"],
        cwd=working_copy,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for line in listed.stdout.splitlines():
        sha, _, run_id = line.partition(" ")
        if run_id.strip():
            return sha
    return None


def metric_differences(
    working_copy: Path, before: str, after: str, tools: Tools
) -> Iterator[tuple[str, str, str, str]]:
    """Metric, value before, value after, difference, as DVC tells them between two commits."""
    told = subprocess.run(
        [tools.job_environment / "bin/dvc", "metrics", "diff", "--json", before, after],
        cwd=working_copy,
        env=os.environ | {"DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for metrics in json.loads(told.stdout).values():
        for name, values in metrics.items():
            old, new, difference = (values.get(key) for key in ("old", "new", "diff"))
            yield name, _text(old), _text(new), _text(difference)


def _text(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value if value is not None else "-")
