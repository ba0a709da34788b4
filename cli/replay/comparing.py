"""Bitbucket's branch heads on one side, the records of runs on the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cli.replay.findings import Finding, Rules, find
from cli.replay.heads import Head, heads, repository
from shared.bitbucket import Bitbucket, UnexpectedAnswer
from shared.errors import Rejected
from shared.events import Repository
from shared.publisher import Publisher
from shared.run_store import RunStore


@dataclass(frozen=True)
class Replayed:
    """What was found in one repository; `branches` are all that were looked at."""

    branches: frozenset[str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Comparing:
    """What is compared, by which rules, and where the missing pushes go."""

    bitbucket: Bitbucket
    runs: RunStore
    publisher: Publisher
    rules: Rules

    def replay(self, full_name: str, branches: Sequence[str], *, dry_run: bool) -> Replayed:
        """Compare the heads of one repository with the records, and send what is missing.

        Raises:
            NotFound: there is no such repository, or not for our credentials.
            Unavailable: Bitbucket or AWS is away, or refuses the credentials.
            Rejected: Bitbucket answers something else than a repository and its branches.

        """
        there, everything = self._look(full_name)
        looked_at = [head for head in everything if not branches or head.name in branches]
        now = datetime.now(UTC)
        found = [find(there, head, self.rules, self.runs.get, now) for head in looked_at]
        findings = tuple(finding for finding in found if finding is not None)
        if not dry_run:
            self.publisher.publish([one.pushed for one in findings if one.todo == "send"])
        return Replayed(frozenset(head.name for head in looked_at), findings)

    def _look(self, full_name: str) -> tuple[Repository, list[Head]]:
        try:
            return repository(self.bitbucket, full_name), list(heads(self.bitbucket, full_name))
        except UnexpectedAnswer as error:
            raise Rejected(str(error)) from error
        except ValueError:
            # Without its text, which may quote anything.
            message = "Bitbucket answered something else than a repository and its branches"
            raise Rejected(message) from None
