"""The commands that make and upload an image: to be run here, or copied to another machine."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.images.engines import Engine


@dataclass(frozen=True)
class Command:
    """A program with its arguments, and what is added to its environment."""

    words: tuple[str, ...]
    environment: Mapping[str, str]

    def written(self) -> str:
        """The command as a shell takes it."""
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*variables, shlex.join(self.words)])


@dataclass(frozen=True)
class Image:
    """What is to be built, from which folder, and the names that it gets.

    `repository` is ECR's address of the project's repository; `base` is the build argument BASE.
    """

    repository: str
    tags: tuple[str, ...]
    platform: str
    context: Path
    dockerfile: Path
    base: str | None = None

    @property
    def registry(self) -> str:
        """The host that keeps the repository."""
        return self.repository.partition("/")[0]

    @property
    def repository_name(self) -> str:
        """The repository as ECR calls it."""
        return self.repository.partition("/")[2]

    @property
    def names(self) -> tuple[str, ...]:
        """The image's full names, one per tag."""
        return tuple(f"{self.repository}:{tag}" for tag in self.tags)

    def build(self, engine: Engine) -> Command:
        """The command that makes the image."""
        words = [
            engine.name,
            *engine.build,
            "--platform",
            self.platform,
            *_each("--build-arg", [f"BASE={self.base}"] if self.base else []),
            *_each("--tag", self.names),
            "--file",
            str(self.dockerfile),
            str(self.context),
        ]
        return Command(tuple(words), engine.environment)

    def login(self, engine: Engine) -> Command:
        """The command that takes the registry's password from its standard input."""
        words = (engine.name, "login", "--username", "AWS", "--password-stdin", self.registry)
        return Command(words, {})

    def pushes(self, engine: Engine) -> list[Command]:
        """The commands that upload the image, one per tag."""
        return [Command((engine.name, "push", name), {}) for name in self.names]

    def script(
        self, engine: Engine, *, region: str, profile: str | None, upload: bool
    ) -> Iterator[str]:
        """All of it as lines for a shell; the AWS command line gives the password."""
        if upload:  # at once: the base image may be in the same registry
            asking = ["aws", "ecr", "get-login-password", "--region", region]
            asking += ["--profile", profile] if profile else []
            yield f"{shlex.join(asking)} | {self.login(engine).written()}"
        yield self.build(engine).written()
        if upload:
            yield from (push.written() for push in self.pushes(engine))


def _each(option: str, values: Sequence[str]) -> Iterator[str]:
    for value in values:
        yield from (option, value)
