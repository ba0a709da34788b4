"""`sam build` for this machine, done again only when something that it reads has changed."""

import fcntl
import hashlib
import shutil
from pathlib import Path

from local.layout import DEFAULT_STATE, PROJECT, Tools
from local.sam import sam

_READ = (
    *("template.yaml", "container/compute.yaml", "container/remote.yaml"),
    *("build.mk", "services", "shared"),
)


def build(tools: Tools) -> Path:
    """The folder of built artifacts, with its `template.yaml`, for the emulator's interpreter."""
    artifacts = DEFAULT_STATE / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    stamp = artifacts / "built-from"
    wanted = _fingerprint(tools)
    with (artifacts / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two stacks may start at once
        if not stamp.exists() or stamp.read_text() != wanted:
            stamp.unlink(missing_ok=True)
            _sam_build(tools, artifacts)
            stamp.write_text(wanted)
    return artifacts / "build"


def _sam_build(tools: Tools, artifacts: Path) -> None:
    shutil.rmtree(artifacts / "build", ignore_errors=True)
    template, folder = str(PROJECT / "template.yaml"), str(artifacts / "build")
    sam(
        tools,
        ["build", "--template", template, "--build-dir", folder],
        cwd=PROJECT,
        log=artifacts / "sam-build.log",
        env={"LAMBDA_PYTHON": str(tools.emulator_python)},
    )


def _fingerprint(tools: Tools) -> str:
    digest = hashlib.sha256(str(tools.emulator_python.resolve()).encode())
    for name in _READ:
        root = PROJECT / name
        files = sorted(root.rglob("*")) if root.is_dir() else [root]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(PROJECT)}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()
