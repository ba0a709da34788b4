"""Makes a commit's build status say what its run's record says.

It is level-triggered: an event only says "look again". The record is read, posted, and read again;
if it has moved meanwhile it is posted again. Late, doubled and reordered events cannot leave a
wrong status behind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from services.notifier.statuses import Links, status
from shared.aws import Clients
from shared.bitbucket import Bitbucket, CredentialsRefused, NotFound
from shared.consumer import Consumer, Queue
from shared.entry import Handler, entry
from shared.errors import Unavailable
from shared.events import Event, Repository, RunStateChanged
from shared.gone import believe_gone
from shared.names import Names
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.secrets import Secrets
from shared.settings import Settings
from shared.telemetry import bind_run, configure, log

_ROUNDS = 5


class NotifierSettings(Settings):
    """The notifier's settings."""

    bitbucket_api_url: str
    bitbucket_auth_secret: str
    environment: str
    organization: str
    runs_table: str
    statuses_queue_url: str


class PostsStatuses(Protocol):
    """Where build statuses go."""

    def post_status(self, repository: Repository, commit: str, status: dict[str, str]) -> None:
        """Create or overwrite a build status."""


@dataclass(frozen=True)
class Dependencies:
    """What `handle` needs besides the event."""

    runs: RunStore
    bitbucket: PostsStatuses
    links: Links
    stack: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def handle(changed: RunStateChanged, needs: Dependencies) -> list[Event]:
    """No events: what it causes is the build status."""
    bind_run(changed.run_id)
    posted = None
    for _ in range(_ROUNDS):
        run = needs.runs.get(changed.run_id)
        if run is None or run.repository is None or run.commit is None or run.asked.quiet:
            return []
        if run.version == posted:
            return []
        try:
            needs.bitbucket.post_status(
                run.repository, run.commit, status(run, needs.links, needs.stack)
            )
        except NotFound as missing:
            believe_gone(run, missing, since=changed.updated_at, now=needs.clock())
            return []
        except CredentialsRefused as error:
            log.error("bitbucket credentials refused", doing=str(error))
            raise
        log.info("status posted", state=run.state, version=run.version)
        posted = run.version
    message = "posting build status: the run moved each time"
    raise Unavailable(message)


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = NotifierSettings.from_environment()
    configure("notifier", settings)
    clients = Clients(settings.aws_region)
    secrets = Secrets(clients.make("secretsmanager"))
    needs = Dependencies(
        runs=RunStore(clients.make("dynamodb"), settings.runs_table),
        bitbucket=Bitbucket(settings.bitbucket_api_url, settings.bitbucket_auth_secret, secrets),
        links=Links(settings.aws_region),
        stack=Names(settings.organization, settings.environment).stack,
    )
    queue = Queue(clients.make_late("sqs"), settings.statuses_queue_url)
    return Consumer(
        lambda message: handle(RunStateChanged.model_validate(message.detail), needs),
        Publisher(),
        queue,
    )


handler = entry(build)
