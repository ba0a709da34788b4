"""Bytes that come from the DVC remote: a run that needs one stage's data, and a full `dvc pull`."""

import random
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.job_bare import environment
from tests.benchmarks.job_place import must, start
from tests.benchmarks.services import say
from tests.benchmarks.tables import show
from tests.integration.job_site import Site, git

STAGES = ("first", "second", "third")
INPUT_BYTES, OUTPUT_BYTES = 6_000_000, 600_000
_STAGE = """  {name}:
    cmd: head -c {size} {name}.bin > {name}.out && grep {name} params.yaml >> {name}.out
    deps: [{name}.bin]
    params: [{name}]
    outs: [{name}.out]
"""
_CHANGED = "second"


def section() -> None:
    """Print the table."""
    with TemporaryDirectory(prefix="bench-job-") as folder:
        site = _project(Path(folder))
        there = files(site.data)
        say("  dvc pull")
        full = _pulled(site, there)
        rows = [("dvc pull", f"{full:,}", "1.00")]
        for name, arguments in (("dvc repro", ""), (f"dvc repro {_CHANGED}", _CHANGED)):
            say(f"  a job that runs {name}")
            some = _run(site, arguments, there)
            rows.append((f"a job: {name}", f"{some:,}", f"{some / full:.2f}"))
    show(
        "Bytes from the DVC remote, where one stage of three has changed",
        ("", "bytes", "of dvc pull"),
        rows,
        f"three stages, each with an input of {INPUT_BYTES / 1e6:.1f} MB and an output of"
        f" {OUTPUT_BYTES / 1e6:.1f} MB; a parameter of one has changed",
        "counted: what the remote held before, and a new cache directory holds afterwards",
    )


def files(folder: Path) -> dict[str, int]:
    """The size in bytes of each file in a folder, by its path there."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }


def came(there: Iterable[str], cache: dict[str, int]) -> int:
    """The bytes in a cache that are from a remote: what a stage has made is not there before."""
    return sum(size for path, size in cache.items() if path in there)


def _project(root: Path) -> Site:
    """The project after a run, with all data at the remote, and a parameter changed since."""
    stages = "".join(_STAGE.format(name=name, size=OUTPUT_BYTES) for name in STAGES)
    params = "".join(f"{name}: 1\n" for name in STAGES)
    site = Site.with_project(root, {"dvc.yaml": f"stages:\n{stages}", "params.yaml": params})
    noise = random.Random(0)
    for name in STAGES:
        (site.project / f"{name}.bin").write_bytes(noise.randbytes(INPUT_BYTES))
    site.dvc("add", "--quiet", *(f"{name}.bin" for name in STAGES))
    site.dvc("repro", "--quiet")
    site.dvc("push", "--quiet")
    site.commit({})
    site.commit({"params.yaml": params.replace(f"{_CHANGED}: 1", f"{_CHANGED}: 2")})
    git(site.project, "push", "--quiet", "origin", "main")
    return site


def _pulled(site: Site, there: Iterable[str]) -> int:
    git(site.root, "clone", "--quiet", str(site.origin), "full")
    said = site.root / "dvc pull"
    command = ["dvc", "pull", "--quiet"]
    must(start(command, site.root / "full", environment(site.root), said), said)
    return came(there, files(site.root / "full" / ".dvc" / "cache"))


def _run(site: Site, arguments: str, there: Iterable[str]) -> int:
    run_id = arguments or "all"
    cache = site.root / f"cache-{run_id}"
    job = site.with_environment(CLOUD_RUNNER_CACHE_DIR=str(cache)).start(arguments, run_id=run_id)
    must(job, site.root / "log")
    return came(there, files(cache / "team" / "parts"))
