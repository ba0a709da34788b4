"""How long `sam build` takes for AWS, without Docker, and how big the layer is that it makes."""

import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from local.aws import clean_environment
from local.layout import PROJECT, Tools
from tests.benchmarks.tables import against, show

ARCHITECTURES = ("arm64", "x86_64")
FIRST_SECONDS = 30
AGAIN_SECONDS = 10
LAYER_MEGABYTES = 40
_TIMEOUT_SECONDS = 600
_LAYER = "SharedLayer"


def section() -> None:
    """Print the tables."""
    times, sizes = [], []
    with TemporaryDirectory() as name:
        folder = Path(name)
        empty = {"UV_CACHE_DIR": str(folder / "cache")}
        for architecture in ARCHITECTURES:
            built = folder / architecture
            first = _build(built, architecture, empty)
            times.append(_time(f"{architecture}, packages downloaded", first, FIRST_SECONDS))
            again = _build(built, architecture, empty)
            times.append(_time(f"{architecture}, nothing changed", again, AGAIN_SECONDS))
            sizes.append(_size(architecture, built / _LAYER))
    host = platform.machine()
    head = ("sam build", "seconds", "goal", "of it", "")
    show(f"Building all functions and the layer on {host}, without Docker", head, times)
    show(
        "The layer, unpacked",
        ("for", "MB", "of which bytecode", "goal", "of it", ""),
        sizes,
        "Bytecode is there where python3.13 is on the path.",
    )


def _build(folder: Path, architecture: str, environment: Mapping[str, str]) -> float:
    """The seconds that it took."""
    start = time.perf_counter()
    subprocess.run(
        [
            *(Tools().sam, "build", "--build-dir", folder),
            *("--parameter-overrides", f"Architecture={architecture}"),
        ],
        cwd=PROJECT,
        env={**clean_environment(), **environment, "LAMBDA_ARCHITECTURE": architecture},
        capture_output=True,
        timeout=_TIMEOUT_SECONDS,
        check=True,
    )
    return time.perf_counter() - start


def _time(name: str, seconds: float, goal: float) -> tuple[str, ...]:
    return (name, f"{seconds:.1f}", f"{goal:.0f}", *against(seconds / goal, 1))


def _size(architecture: str, layer: Path) -> tuple[str, ...]:
    files = [file for file in layer.rglob("*") if file.is_file()]
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    bytecode = sum(file.stat().st_size for file in files if file.suffix == ".pyc") / 1e6
    goal = f"{LAYER_MEGABYTES:.0f}"
    ratio = against(megabytes / LAYER_MEGABYTES, 1)
    return (architecture, f"{megabytes:.1f}", f"{bytecode:.1f}", goal, *ratio)
