"""A folder that stands for a machine and its bucket, and runs a machine's own scripts.

The scripts are those of container/compute.yaml, with directories of the folder as their parameters;
the commands they call stand for AWS and for what only root may do.
"""

import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.contracts.compute_stack import Deployment

STUBS = {
    # Serves the folder `bucket`, as `aws s3api` would, and notes the calls.
    "aws": """
        [ ! -e "$SITE/away" ] || { echo "Could not connect to the endpoint URL" >&2; exit 255; }
        echo "$2" >> "$SITE/calls"
        object="$SITE/bucket/$6"
        etag="\\"$(md5sum < "$object" | cut -c 1-32)\\""
        case "$2" in
          head-object) echo "$etag" ;;
          get-object)
            [ "$8" = "$etag" ] || { echo "PreconditionFailed" >&2; exit 254; }
            head -c "${SITE_BYTES:-99999999}" "$object" > "$9" ;;
        esac
    """,
    # The instance metadata service: the last part of the address is the question.
    "curl": """
        case "${!#}" in
          */api/token) echo a-token ;;
          */instance-type) echo g5.xlarge ;;
          */region) echo eu-west-1 ;;
          */instance-life-cycle) echo spot ;;
          *) exit 22 ;;
        esac
    """,
    "ip": 'echo "ip $*" >> "$SITE/calls"',
    "systemctl": 'echo "systemctl $*" >> "$SITE/calls"',
    "dnf": 'echo "dnf $*" >> "$SITE/calls"',
    "mount": '[ ! -e "$SITE/no-mount" ] || exit 32; echo "mount $*" >> "$SITE/calls"',
    "mountpoint": "exit 1",
    # Nobody but root may give a directory to a group.
    "install": """
        echo "install $*" >> "$SITE/calls"
        declare -a left=()
        while [ $# -gt 0 ]; do
          if [ "$1" = -g ]; then shift 2; else left+=("$1"); shift; fi
        done
        exec /usr/bin/install "${left[@]}"
    """,
}


@dataclass(frozen=True)
class Machine:
    """A folder that stands for a machine's disk, and for the bucket."""

    site: Path

    @property
    def program(self) -> Path:
        return self.site / "program"

    @property
    def current(self) -> Path:
        return self.program / "current"

    @property
    def calls(self) -> list[str]:
        noted = self.site / "calls"
        return noted.read_text().splitlines() if noted.exists() else []

    @property
    def versions(self) -> set[str]:
        return {one.name for one in (self.program / "versions").iterdir()}

    def upload(self, code: str) -> None:
        key = self.site / "bucket/program/job.pyz"
        key.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(key, "w") as packed:
            packed.writestr(zipfile.ZipInfo("__main__.py"), code)

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = self.site / "bin" / script
        return subprocess.run(
            ["bash", path],
            env={
                "PATH": f"{self.site / 'bin'}:/usr/local/bin:/usr/bin:/bin",
                "SITE": str(self.site),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            umask=0o077,
        )

    def fetch(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("cloud-runner-program", **environment)


def machine_in(site: Path, storage: str) -> Machine:
    given = {
        "ProgramDirectory": str(site / "program"),
        "CacheDirectory": str(site / "cache"),
        "CacheStorage": storage,
    }
    written = Deployment(given).boot_files
    commands = site / "bin"
    commands.mkdir()
    # As on the ECS image: github.com/aws/amazon-ecs-ami, install-docker.sh.
    (site / "docker").mkdir()
    (site / "docker/daemon.json").write_text('{"userland-proxy": false}')
    for name, body in STUBS.items():
        (commands / name).write_text(f"#!/bin/bash\nset -e\n{body}\n")
        (commands / name).chmod(0o755)
    for path, text in written.items():
        if path.startswith("/usr/local/sbin/"):
            there = commands / Path(path).name
            here = text.replace("/usr/local/sbin", str(commands))
            there.write_text(here.replace("/etc/docker", str(site / "docker")))
            there.chmod(0o755)
    return Machine(site)
