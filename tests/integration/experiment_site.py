"""A working copy with a DVC project and a queue of experiments, as somebody has it at home."""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.job_site import JOB_ENVIRONMENT

LIMIT_SECONDS = 300
PROJECT = {
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvcignore": "",
    ".gitignore": "/ignored\n",
    "dvc.yaml": """
stages:
  train:
    cmd: python3 train.py
    deps: [train.py]
    params: [rate]
    outs: [model.txt]
    metrics:
    - metrics.json: {cache: false}
""",
    "params.yaml": "rate: 1\n",
    "train.py": """
rate = float(open("params.yaml").read().split()[1])
open("model.txt", "w").write(f"{rate}\\n")
open("metrics.json", "w").write('{"score": %s}' % (rate * 10))
""",
}
BETTER = PROJECT["train.py"].replace("rate * 10", "rate * 1000")


def environment() -> dict[str, str]:
    """What git and DVC find when somebody types them; nothing of the machine's settings."""
    return {
        "PATH": f"{JOB_ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "DVC_NO_ANALYTICS": "1",
        "CI": "1",  # DVC asks for no newer version
    }


@dataclass(frozen=True)
class AtHome:
    """Somebody's clone; `data` is the DVC remote."""

    folder: Path
    data: Path

    @classmethod
    def begin(cls, folder: Path, data: Path, more: Mapping[str, str] | None = None) -> "AtHome":
        """A new one, with the project in its first commit, on main."""
        home = cls(folder, data)
        folder.mkdir(parents=True)
        home.git("init", "--quiet", "--template=", "--initial-branch=main")
        home.git("config", "user.name", "Someone")
        home.git("config", "user.email", "someone@example.com")
        config = f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {data}\n"
        home.write({**PROJECT, ".dvc/config": config, **(more or {})})
        home.git("add", "--all")
        home.git("commit", "--quiet", "--message", "A project")
        return home

    def write(self, files: Mapping[str, str]) -> None:
        """Write files."""
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")

    def git(self, *arguments: str) -> str:
        """What git says, without the last line's end."""
        return self._run("git", *arguments)

    def dvc(self, *arguments: str) -> str:
        """What DVC says."""
        return self._run("dvc", *arguments)

    def queue(self, name: str, *options: str) -> None:
        """Queue an experiment."""
        self.dvc("exp", "run", "--queue", "--name", name, *options)

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    @property
    def queued(self) -> set[str]:
        """The names that `dvc queue status` says are queued."""
        lines = [line.split() for line in self.dvc("queue", "status").splitlines()]
        return {words[1] for words in lines if words and words[-1] == "Queued"}

    def experiments(self) -> dict[str, dict[str, Any]]:
        """What `dvc exp show` tells of each finished experiment on the commit checked out."""
        shown = json.loads(self.dvc("exp", "show", "--json"))
        found = next(one for one in shown if one["rev"] == self.head)
        finished = [one for one in found["experiments"] or () if one["executor"] is None]
        return {one["revs"][0]["name"]: one["revs"][0]["data"] for one in finished}

    def everything(self, *, besides: Sequence[str] = ()) -> dict[str, str]:
        """Each file's mode and content, those of git and of DVC as well; `besides` is left out."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if any(name.startswith(one) for one in besides):
                continue
            mode = f"{path.lstat().st_mode:o}"
            if path.is_symlink():
                found[name] = f"{mode} {path.readlink()}"
            elif path.is_file():
                found[name] = f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"
            else:
                found[name] = mode
        return found

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")
