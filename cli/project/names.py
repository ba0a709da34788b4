"""What belongs to a project, by its names."""

import re
from dataclasses import dataclass

from cli.typed import FullName
from shared.names import Names, digest

# One part of a repository's name (Amazon ECR API reference, CreateRepository).
_ECR_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
# What a part looks like that was made of a slug which ECR does not take.
_MADE = re.compile(r"[a-z0-9-]+-[0-9a-f]{6}")


@dataclass(frozen=True)
class Project:
    """A repository of Bitbucket in one environment of one organization."""

    names: Names
    workspace: str
    slug: str

    @property
    def full_name(self) -> str:
        """The repository as Bitbucket names it, `workspace/slug`."""
        return f"{self.workspace}/{self.slug}"

    @property
    def stack(self) -> str:
        """The project's CloudFormation stack."""
        return self.names.project_stack(self.slug)

    @property
    def image_repository(self) -> str:
        """The name of the project's ECR repository, which all environments share.

        ECR knows no name that begins with a separator or has two in a row.

        >>> Project(Names("acme", "testing"), "team", "churn.model").image_repository
        'acme/churn.model'
        >>> Project(Names("acme", "testing"), "team", "_a--b").image_repository
        'acme/a-b-a7aabb'
        >>> Project(Names("acme", "testing"), "team", "a-b-a7aabb").image_repository
        'acme/a-b-a7aabb-35410a'
        """
        part = self.slug
        if not _ECR_NAME.fullmatch(part) or _MADE.fullmatch(part):
            plain = re.sub(r"[^a-z0-9]+", "-", part).strip("-") or "repository"
            part = f"{plain}-{digest(part)}"
        return f"{self.names.organization}/{part}"

    @property
    def own_credentials(self) -> str:
        """The secret with credentials for this repository alone; it wins over the shared one."""
        return f"{self.names.auth_secret}/{self.slug}"

    @property
    def variables_secret(self) -> str:
        """The secret with the project's own variables, a JSON object."""
        return f"{self.names.organization}/{self.names.environment}/projects/{self.slug}"

    @property
    def data_prefix(self) -> str:
        """Where the project's objects are in the data bucket."""
        return f"projects/{self.slug}/"

    @property
    def tags(self) -> dict[str, str]:
        """What everything of the project is tagged with."""
        return self.names.job_tags(self.slug) | {"workspace": self.workspace}


def project(names: Names, text: str) -> Project:
    """The project that somebody wrote, in any case.

    >>> project(Names("acme", "testing"), "Team/Churn.Model").full_name
    'team/churn.model'
    """
    workspace, _, slug = FullName().convert(text, None, None).partition("/")
    return Project(names, workspace, slug)
