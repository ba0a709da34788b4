"""Asks DVC what differs between two commits, and tells of its answers what a report needs.

Runs apart: in DVC's Python, so that one start gives all answers, or in ours beside the command
`dvc`. An answer is as large as a project's plots are. Where memory runs out this process is to go,
not the runner, whose end is the job's: so rows of plots are read here and nowhere else.

Three questions are those of DVC's command line. The fourth it does not answer there: with which
parameters the stages had run whose results each commit holds. `dvc params diff` compares the
parameter files alone, and whoever asks for a run has changed them in the commit before already.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import IO, Any

from container.report_rows import NOT_JSON, OTHER_FORM, reduced

MARK = "differences: "
# Bytes of DVC's answer about the plots, which is read here, and of what the runner reads of each.
_LARGEST_PLOTS = 64_000_000
_LARGEST = 2_000_000
# Of what DVC says beside an answer, its last words tell why there is none.
_LAST_WORDS = 4000


def commands(old: str, new: str, folder: str) -> dict[str, list[str]]:
    """The three questions, as arguments of `dvc`; `folder` gets the files of plots that are images.

    With `--all`, so that no metric at all and none that changed are different answers. The largest
    answer comes last: what was told before it is there, whatever becomes of it.
    """
    return {
        "metrics": ["metrics", "diff", "--json", "--all", old, new],
        "params": ["params", "diff", "--json", "--all", old, new],
        "plots": ["plots", "diff", "--json", "--out", folder, old, new],
    }


def main(project: str, old: str, new: str, folder: str, *dvc: str) -> None:
    """Print a line of `MARK` and {name: answer} for each question as soon as it is answered.

    - `metrics`, `params`: {"code": exit code, "text": stdout, "said": stderr}.
    - `locked`: {"old", "new"}: pairs of a parameter file and what a stage has read of it; null if
      DVC cannot tell. Only without `dvc`, the words that start the command.
    - `plots`: {"code", "said", "plots", "unread"}: of each plot "title", "change", "spec", a file
      in the folder, and "images", files by commit; names and reasons of those not understood.

    What is too large is {"problem": why} instead.
    """
    os.environ["CI"] = "1"  # then DVC asks nobody for a newer version (dvc/updater.py)
    with suppress(OSError):  # where memory runs out, the kernel ends this first (proc(5))
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with tempfile.TemporaryFile() as answer:
        ask = _by_command(dvc, project, answer) if dvc else _by_library(project, answer)
        for name, words in commands(old, new, folder).items():
            if name == "plots" and not dvc:
                _tell("locked", _locked_of(old, new))
            answer.seek(0)
            answer.truncate()
            code, said = ask(words)
            _tell(name, _kept(name, code, said, answer, (old, new, Path(folder))))


# Asks one question, whose answer comes into a file: the exit code, and what DVC says beside it.
_Ask = Callable[[Sequence[str]], tuple[int, str]]


def _by_library(project: str, answer: IO[bytes]) -> _Ask:
    os.chdir(project)
    # DVC keeps the streams that it finds first.
    said = io.StringIO()
    text = io.TextIOWrapper(answer, encoding="utf-8", errors="replace", write_through=True)
    with redirect_stderr(said), redirect_stdout(text):
        from dvc.cli import main as dvc  # type: ignore[import-not-found]  # noqa: PLC0415

    def ask(words: Sequence[str]) -> tuple[int, str]:
        said.seek(0)
        said.truncate()
        with redirect_stderr(said), redirect_stdout(text):
            code = dvc(words)
        return code, said.getvalue()[-_LAST_WORDS:]

    return ask


def _by_command(dvc: Sequence[str], project: str, answer: IO[bytes]) -> _Ask:
    def ask(words: Sequence[str]) -> tuple[int, str]:
        ended = subprocess.run([*dvc, *words], check=False, cwd=project, stdout=answer)  # noqa: S603 - a list, no shell
        return ended.returncode, ""

    return ask


def _kept(
    name: str, code: int, said: str, answer: IO[bytes], way: tuple[str, str, Path]
) -> dict[str, Any]:
    """What of an answer is told."""
    size, limit = answer.seek(0, os.SEEK_END), _LARGEST_PLOTS if name == "plots" else _LARGEST
    if size > limit:
        return {"problem": _too_large(name, size, limit)}
    answer.seek(0)
    text = answer.read().decode(errors="replace")
    if name != "plots" or code:
        return {"code": code, "text": text, "said": said}
    try:
        return {"code": 0, "said": said, **reduced(json.loads(text), *way)}
    except (ValueError, RecursionError):
        return {"problem": NOT_JSON}
    except (AttributeError, LookupError, TypeError):
        return {"problem": OTHER_FORM}


def _too_large(name: str, size: int, limit: int) -> str:
    sizes = f"DVC's answer has {size / 1e6:.1f} MB, a report takes {limit / 1e6:.0f} MB"
    return f"they are too large ({sizes}): name smaller files under {name} in dvc.yaml"


def _tell(name: str, answer: Any) -> None:
    line = json.dumps({name: answer})
    if len(line) > 2 * _LARGEST:
        line = json.dumps({name: {"problem": _too_large(name, len(line), 2 * _LARGEST)}})
    print(f"\n{MARK}{line}", flush=True)


def _locked_of(old: str, new: str) -> Any:
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            return {"old": _locked(old), "new": _locked(new)}
    except Exception:  # noqa: BLE001 - a plus of the report, whatever hinders DVC to tell it
        return None


def _locked(revision: str) -> list[tuple[str, Any]]:
    from dvc.dependency import ParamsDependency  # type: ignore[import-not-found]  # noqa: PLC0415
    from dvc.repo import Repo  # type: ignore[import-not-found]  # noqa: PLC0415

    with Repo() as repo, repo.switch(revision):
        return [
            (os.path.relpath(dependency.fs_path, repo.root_dir), dependency.hash_info.value)
            for stage in repo.index.stages
            for dependency in stage.deps
            if isinstance(dependency, ParamsDependency) and dependency.hash_info.value
        ]


def start() -> None:
    """Begin as a program; the first argument is where our own modules are found, and no others."""
    sys.path.remove(sys.argv[1])
    sys.excepthook = _say  # one line tells why, and the report does with less
    main(*sys.argv[2:])


def _say(kind: type[BaseException], error: BaseException, _: object) -> None:
    print(f"{kind.__name__}: {error}", file=sys.stderr)
