"""Making a machine ready for an experiment; for what is missing it says what to do."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

from container.agent import aws, records
from container.agent.arm import works
from container.agent.locks import Lock
from container.agent.place import home, say, write
from container.agent.refusals import NotDone

# For boto3 and for what an experiment leaves at the least.
_FREE_BYTES = 500 * 1024 * 1024
_SECONDS = 3600
_QUICK_SECONDS = 300
# What is ready, as it was asked for: `begin` compares an order with it.
_PREPARED = "prepared.json"
_GIVEN = ("docker", "git", "branch", "program_uri")
# Whether a Python has a boto3 that can store without replacing anything; its version.
_ASK_BOTO3 = """
import boto3, botocore.session
s3 = botocore.session.get_session().get_service_model("s3")
for name in ("PutObject", "CompleteMultipartUpload"):
    s3.operation_model(name).input_shape.members["IfNoneMatch"]
"""
_REGISTRY = re.compile(r"^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$")


def setup(told: Any) -> dict[str, Any]:
    """Prepare what an experiment needs; what there was before of it is replaced.

    Raises:
        NotDone: something is missing that only the user can bring.
    """
    # As long as it is held, the machine is not idle.
    if not Lock("setup").take():
        raise NotDone("this machine is being set up by somebody else")
    # It says what an experiment may rely on: nothing, from here on and until all of it is there.
    (home() / _PREPARED).unlink(missing_ok=True)
    free = shutil.disk_usage(home()).free
    if free < _FREE_BYTES:
        raise NotDone(f"the disk is full: {free >> 20} MiB are free at {home()}, give it more")
    answer: dict[str, Any] = {"boto3": _boto3(told.get("boto3"))}
    if image := told.get("docker"):
        _image(image, registry_login=bool(told.get("registry_login")))
        answer["docker"] = image
    if url := told.get("git"):
        answer["commit"] = _clone(url, told.get("branch"))
    if uri := told.get("program_uri"):
        _program(uri)
        answer["program"] = str(home() / "job.pyz")
    write(_PREPARED, {name: told.get(name) for name in _GIVEN})
    return answer


def _boto3(version: str | None) -> str:
    venv = home() / "venv"
    own = venv / "bin/python"
    if not works(str(own if own.exists() else sys.executable), "-c", _ASK_BOTO3):
        say("installing boto3")
        if refused := _install(venv, version):
            shutil.rmtree(venv, ignore_errors=True)
            # An old one stores all the same: upload.py.
            if not works(sys.executable, "-c", "import boto3"):
                raise NotDone(refused)
            say(f"this machine's boto3 is old, and stays: {refused}")
    aws.add_packages()
    import boto3  # noqa: PLC0415 - only now is it sure to be there

    return str(boto3.__version__)


def _install(venv: Path, version: str | None) -> str | None:
    """Install boto3 where nothing else is; why not, and what to do."""
    shutil.rmtree(venv, ignore_errors=True)
    refused = _run([sys.executable, "-m", "venv", str(venv)])
    if refused:
        return (
            "this Python cannot make environments: install python3-venv (Debian, Ubuntu) or"
            f" python3-boto3 on the image of the machine ({refused})"
        )
    pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--no-input"]
    # Not every version is for every Python.
    for wanted in (f"boto3=={version}" if version else "boto3", "boto3"):
        refused = _run([*pip, wanted])
        if not refused:
            return None
    return (
        "boto3 cannot be fetched: let the machine reach a package index, or install"
        f" python3-boto3 on its image ({refused})"
    )


def _image(image: str, *, registry_login: bool) -> None:
    if shutil.which("docker") is None:
        raise NotDone(
            "docker is not installed: take an image that has it, as ECS's, or no --docker"
        )
    if not works("docker", "info"):
        raise NotDone("docker's daemon does not answer: systemctl enable --now docker")
    registry = image.partition("/")[0]
    if registry_login:
        found = _REGISTRY.match(registry)
        region = found.group(1) if found else records.terms().region
        say(f"logging in to {registry}")
        try:
            (told,) = aws.client("ecr", region).get_authorization_token()["authorizationData"]
        except Exception as error:
            raise NotDone(f"asking ECR for a password: {error}") from error
        user, _, password = base64.b64decode(told["authorizationToken"]).decode().partition(":")
        login = ["docker", "login", "--username", user, "--password-stdin", registry]
        _must(login, f"{registry} does not take ECR's password", password.encode())
    say(f"pulling {image}")
    _must(["docker", "pull", "--quiet", image], f"{image} cannot be pulled", seconds=_SECONDS)


def _clone(url: str, branch: str | None) -> str:
    if not works("git", "--version"):
        raise NotDone("git is not installed: install it on the image of the machine")
    clone = home() / "work/clone"
    shutil.rmtree(clone, ignore_errors=True)
    say(f"cloning {_shown(url)}")
    wanted = ["--branch", branch] if branch else []
    _must(
        ["git", "clone", "--quiet", *wanted, "--", url, str(clone)],
        f"{_shown(url)} cannot be cloned",
        seconds=_SECONDS,
    )
    done = subprocess.run(  # noqa: S603 - a folder of ours
        ["git", "-C", str(clone), "rev-parse", "HEAD"],  # noqa: S607 - the machine's own
        capture_output=True,
        text=True,
        timeout=_QUICK_SECONDS,
        check=False,
    )
    return done.stdout.strip()


def _program(uri: str) -> None:
    parts = urllib.parse.urlsplit(uri)
    new = home() / "job.pyz.new"
    say(f"fetching {uri}")
    try:
        s3 = aws.client("s3", records.terms().region)
        body = s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"]
        with new.open("wb") as file:
            shutil.copyfileobj(body, file)
    except Exception as error:
        raise NotDone(f"fetching {uri}: {error}") from error
    new.replace(home() / "job.pyz")


def _shown(url: str) -> str:
    """An address without the password that it may hold.

    >>> _shown("https://someone:secret@example.com/x.git")
    'https://example.com/x.git'
    """
    return re.sub(r"//[^/@]*@", "//", url)


def _must(
    command: list[str], otherwise: str, given: bytes = b"", seconds: float = _QUICK_SECONDS
) -> None:
    refused = _run(command, given, seconds)
    if refused:
        raise NotDone(f"{otherwise} ({refused})")


def _run(command: list[str], given: bytes = b"", seconds: float = _QUICK_SECONDS) -> str | None:
    """Why a program does not do it; None if it does."""
    environment = {
        "HOME": str(Path.home()),
        **os.environ,
        # Nobody is there to answer.
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
    }
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and programs of the machine
            command,
            input=given,
            env=environment,
            cwd=Path("/"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    said = done.stdout.decode(errors="replace").strip()[-1000:]
    return None if done.returncode == 0 else f"exit code {done.returncode}: {_shown(said)}"
