"""The names that the parts agree on: job definitions, jobs, secrets.

Batch takes letters, digits, hyphens and underscores, 128 characters at most (the service model's
SubmitJob: "The first character must be alphanumeric, and up to 128"); Bitbucket's slugs may hold
dots as well.
"""

import hashlib
import re
from dataclasses import dataclass

from shared.events import RunId
from shared.machine_tags import STACK

MAX_NAME = 128
# How a name ends that was made of a slug which it could not hold. Of a slug that ends so by itself
# one is made as well, or it could be the name of another: repository by repository, slugs are
# anybody's to choose.
_DIGITS = 6
_LIKE_A_DIGEST = re.compile(rf"(.*)-[0-9a-f]{{{_DIGITS}}}", re.DOTALL)
_NO_COMMIT = "0" * 7


@dataclass(frozen=True)
class Names:
    """The names under one organization and environment, such as `acme` and `production`."""

    organization: str
    environment: str

    def job_definition(self, slug: str) -> str:
        """The job definition of a project.

        >>> Names("acme", "testing").job_definition("churn-model")
        'acme-testing-ml-churn-model'
        >>> Names("acme", "testing").job_definition("a.b")
        'acme-testing-ml-a_b-2e7336'
        >>> Names("acme", "testing").job_definition("a_b-2e7336")
        'acme-testing-ml-a_b-2e7336-75f825'
        """
        return self._fit("ml-", slug, "")

    def job(self, slug: str, commit: str | None, run_id: RunId, attempt: int) -> str:
        """The Batch job of an attempt; the run's id is never cut.

        >>> Names("acme", "testing").job("a.b", "0123456789abcdef", RunId("77" * 12), 2)
        'acme-testing-ml-experiment-a_b-2e7336-0123456-777777777777777777777777-2'
        """
        # A commit is opaque: what Batch would refuse in a name does not belong in one.
        sha7 = _batch_name((commit or _NO_COMMIT)[:7])
        return self._fit("ml-experiment-", slug, f"-{sha7}-{run_id}-{attempt}")

    def job_tags(self, slug: str | None) -> dict[str, str]:
        """The tags of a Batch job: whose it is, which is also what allows us to terminate it.

        >>> Names("acme", "testing").job_tags("churn-model")
        {'cloud-runner': 'acme-testing', 'repository': 'churn-model'}
        """
        return {STACK: self.stack} | ({"repository": slug} if slug else {})

    @property
    def stack(self) -> str:
        """The value of the tag `cloud-runner`, by which jobs and machines are ours.

        >>> Names("acme", "testing").stack
        'acme-testing'
        """
        return f"{self.organization}-{self.environment}"

    def project_stack(self, slug: str) -> str:
        """The CloudFormation stack of a project. No underscore: CloudFormation takes none.

        Its names are letters, digits and hyphens, 128 at most (service model: StackName).

        >>> Names("acme", "testing").project_stack("churn-model")
        'acme-testing-project-churn-model'
        >>> Names("acme", "testing").project_stack("churn_model")
        'acme-testing-project-churn-model-eb6599'
        """
        return self._fit("project-", slug, "", instead="-")

    @property
    def hooks_secret(self) -> str:
        """The secret that lists the authorised webhooks."""
        return f"{self.organization}/{self.environment}/bitbucket-webhook-uuids"

    @property
    def auth_secret(self) -> str:
        """The secret with Bitbucket's credentials; one called `<this>/<slug>` wins."""
        return f"{self.organization}/{self.environment}/bitbucket-auth"

    def _fit(self, kind: str, slug: str, tail: str, *, instead: str = "_") -> str:
        """A name with a slug in it; `instead` stands for what it cannot hold."""
        head = f"{self.organization}-{self.environment}-{kind}"
        safe = _batch_name(slug).replace("_", instead)
        room = MAX_NAME - len(head) - len(tail)
        if safe != slug or len(safe) > room or _may_be_made(slug, instead, room):
            safe = f"{safe[: room - _DIGITS - 1]}-{digest(slug)}"
        return head + safe + tail


def digest(slug: str) -> str:
    """What tells a slug from others in a name that cannot hold it.

    >>> digest("a.b")
    '2e7336'
    """
    return hashlib.sha256(slug.encode()).hexdigest()[:_DIGITS]


def _may_be_made(slug: str, instead: str, room: int) -> bool:
    """Whether a slug looks like a part that was made of another: changed, or cut to its room.

    >>> _may_be_made("a_b-2e7336", "_", 99), _may_be_made("report-202611", "_", 99)
    (True, False)
    """
    match = _LIKE_A_DIGEST.fullmatch(slug)
    return match is not None and (instead in match[1] or len(slug) == room)


def _batch_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)


def last_part(arn_or_name: str) -> str:
    """The name in an ARN such as `arn:…:job-queue/gpu`; a plain name is itself.

    >>> last_part("arn:aws:batch:eu-west-1:123456789012:job-queue/gpu"), last_part("gpu")
    ('gpu', 'gpu')
    """
    return arn_or_name.rsplit("/", 1)[-1]
