"""The commands that make an image, the Dockerfile that is proposed, and what ECR's scan found."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from cli.images.engines import ENGINES
from cli.images.platforms import platform
from cli.images.proposal import as_command, dockerfile
from cli.images.recipe import Image
from cli.images.registry import Registry, Stored
from tests.fakes import Clock, refusal

ROOT = Path(__file__).parents[2]
DOCKER, PODMAN, FINCH, BUILDAH = ENGINES
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
URI = f"{HOST}/acme/churn-model"
IMAGE = Image(
    repository=URI,
    tags=("latest", "0123456789ab"),
    platform="linux/amd64",
    context=Path("/home/someone/it's a project"),
    dockerfile=Path("/home/someone/it's a project/Dockerfile"),
    base="python:3.12-slim",
)


def script(image: Image = IMAGE, *, profile: str | None = None, upload: bool = True) -> list[str]:
    return list(image.script(DOCKER, region="eu-west-1", profile=profile, upload=upload))


def test_the_script_logs_in_builds_and_pushes_every_tag() -> None:
    login, build, *pushes = script()

    assert login == (
        "aws ecr get-login-password --region eu-west-1"
        f" | docker login --username AWS --password-stdin {HOST}"
    )
    assert build.startswith("BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --platform linux/amd64 ")
    assert pushes == [f"docker push {URI}:latest", f"docker push {URI}:0123456789ab"]


def test_the_script_survives_a_shell() -> None:
    words = shlex.split(script()[1])

    assert words[-1] == "/home/someone/it's a project"
    assert words[words.index("--file") + 1] == "/home/someone/it's a project/Dockerfile"
    assert words[words.index("--build-arg") + 1] == "BASE=python:3.12-slim"
    assert tuple(words[1:]) == IMAGE.build(DOCKER).words


def test_the_script_uses_the_profile_that_was_used() -> None:
    assert "--region eu-west-1 --profile 'my team' |" in script(profile="my team")[0]


def test_a_build_alone_needs_no_password() -> None:
    assert len(script(upload=False)) == 1


@pytest.mark.parametrize("engine", [PODMAN, BUILDAH])
def test_podman_and_buildah_build_in_dockers_format(engine: Any) -> None:
    assert IMAGE.build(engine).words[:4] == (engine.name, "build", "--format", "docker")


@pytest.mark.parametrize("engine", ENGINES)
def test_no_engine_gets_the_password_as_an_argument(engine: Any) -> None:
    assert IMAGE.login(engine).words == (
        engine.name,
        "login",
        "--username",
        "AWS",
        "--password-stdin",
        HOST,
    )


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("default_x86_64", "linux/amd64"),
        ("c7i, m7i,g4dn,g5", "linux/amd64"),
        ("m7gd, t4g.large", "linux/arm64"),
        ("m7g,c7i", "linux/amd64"),
        ("p5,inf2", "linux/amd64"),
    ],
)
def test_an_image_is_for_the_machines_of_the_stack(types: str, expected: str) -> None:
    assert platform(types) == expected


def test_the_proposed_dockerfile_has_the_base_images_versions(tmp_path: Path) -> None:
    base = (ROOT / "container/Dockerfile").read_text()
    wanted = (ROOT / "container/requirements.in").read_text()
    proposed = dockerfile(tmp_path)

    (version,) = re.findall(r"^ARG BASE=python:(.*)$", base, re.MULTILINE)
    assert f"ARG BASE=python:{version}\nFROM ${{BASE}}\n" in proposed
    for requirement in re.findall(r"^[a-z].*$", wanted, re.MULTILINE):
        assert requirement in proposed
    assert "USER 10001:10001" in base
    assert "USER 10001:10001" in proposed
    assert "requirements.txt" not in proposed


def test_the_proposed_dockerfile_installs_what_the_project_asks_for(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch\n")

    assert "COPY requirements.txt" in dockerfile(tmp_path)
    assert as_command(tmp_path) == (
        f"cat > {tmp_path}/Dockerfile <<'END'\n{dockerfile(tmp_path)}END"
    )


class Ecr:
    """ECR's DescribeImages: it gives the listed answers in turn, and the last one from then on."""

    def __init__(self, *images: dict[str, Any] | None) -> None:
        self.images = list(images)
        self.asked = 0

    def describe_images(self, **_: Any) -> dict[str, Any]:
        image = self.images[min(self.asked, len(self.images) - 1)]
        self.asked += 1
        if image is None:
            raise refusal("ImageNotFoundException", 400, "DescribeImages")
        return {"imageDetails": [{"imageDigest": "sha256:77", "imageSizeInBytes": 228, **image}]}


def stored(ecr: Ecr, seconds: float) -> tuple[Stored | None, float]:
    """What is found, and how long that took."""
    clock = Clock()
    start = clock.seconds()
    registry = Registry(ecr, "acme/churn-model", clock=clock.seconds, sleep=clock.advance)
    return registry.find_scanned("latest", seconds), clock.seconds() - start


def scan(status: str, **counts: int) -> dict[str, Any]:
    summary = {"imageScanFindingsSummary": {"findingSeverityCounts": counts}} if counts else {}
    return {"imageScanStatus": {"status": status}, **summary}


def test_a_scan_is_waited_for_and_its_findings_told_the_worst_first() -> None:
    done = scan("COMPLETE", LOW=3, CRITICAL=1, HIGH=0)
    found, took = stored(Ecr({}, scan("IN_PROGRESS"), scan("IN_PROGRESS"), done), 60)

    assert found is not None
    assert (found.digest, found.size) == ("sha256:77", 228)
    assert found.scanned() == "1 critical, 3 low"
    assert took == 9


@pytest.mark.parametrize(
    ("image", "seconds", "most", "said"),
    [
        (scan("IN_PROGRESS"), 60, 62, "scan in progress"),
        (scan("IN_PROGRESS"), 0, 0, "scan in progress"),
        ({}, 60, 12, "not scanned"),
        (scan("UNSUPPORTED_IMAGE"), 60, 0, "scan unsupported image"),
    ],
)
def test_a_scan_is_waited_for_no_longer_than_told(
    image: dict[str, Any], seconds: float, most: float, said: str
) -> None:
    found, took = stored(Ecr(image), seconds)

    assert found is not None
    assert found.scanned() == said
    assert took <= most


def test_a_scan_that_found_nothing_says_so() -> None:
    assert Stored("d", 1, "COMPLETE", {}).scanned() == "nothing found"
    assert Stored("d", 1, "COMPLETE", {"HIGH": 0}).scanned() == "nothing found"


def test_an_image_that_is_not_there_is_none() -> None:
    assert stored(Ecr(None), 60) == (None, 0)
