"""A Dockerfile for a DVC project that has none: what docs/jobs.md says that a job needs."""

import shlex
from pathlib import Path

from cli.images.sources import DOCKERFILE

_REQUIREMENTS = "requirements.txt"
# The versions are those of container/Dockerfile and container/requirements.in; a test says so.
_DOCKERFILE = """\
# What a job needs: git, DVC with S3, the project's own libraries, and a user that is not root.
ARG BASE=python:3.13.16-slim-trixie
FROM ${{BASE}}

RUN apt-get update \\
    && apt-get install --yes --no-install-recommends ca-certificates git git-lfs \\
    && rm -rf /var/lib/apt/lists/*

# boto3 brings results to S3, vl-convert draws the plots of the report.
RUN pip install --no-cache-dir 'dvc[s3]==3.67.1' boto3 vl-convert-python==1.9.0.post1 pyyaml
{libraries}
# Fixed numbers, since jobs share a cache directory on their machine.
RUN groupadd --gid 10001 job && useradd --uid 10001 --gid job --create-home job
ENV LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /home/job
"""
_LIBRARIES = """\
COPY requirements.txt /tmp/
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt
"""


def dockerfile(context: Path) -> str:
    """A Dockerfile that works for the project in `context`."""
    has_requirements = (context / _REQUIREMENTS).is_file()
    return _DOCKERFILE.format(libraries=_LIBRARIES if has_requirements else "")


def as_command(context: Path) -> str:
    """The same as a command for a shell that writes it where it belongs."""
    return f"cat > {shlex.quote(str(context / DOCKERFILE))} <<'END'\n{dockerfile(context)}END"
