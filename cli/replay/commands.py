"""The command `push replay`, as people call it."""

from collections.abc import Sequence
from datetime import timedelta

import click

from cli.account import Account, AccountError, account_options, asking
from cli.examples import example
from cli.limits import limits
from cli.replay.comparing import Comparing, Replayed
from cli.replay.findings import Finding, Rules
from cli.replay.projects import authorised
from cli.shown import command, table
from cli.typed import FullName, Span
from shared.bitbucket import Bitbucket, CredentialsRefused, NotFound
from shared.errors import Rejected, Unavailable
from shared.events import CommitPushed
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.secrets import Secrets

_HEAD = ("REPOSITORY", "BRANCH", "COMMIT", "RECORD", "DONE", "ASKS FOR")


@click.group(epilog=example("cloud-runner push replay --all --dry-run"))
def push() -> None:
    """Pushes to Bitbucket, and what was heard of them."""


@push.command(
    epilog=example(
        "cloud-runner push replay my-team/churn --dry-run",
        "cloud-runner push replay my-team/churn --branch main --since 12h",
        "cloud-runner push replay --all",
    )
)
@click.argument("repositories", nargs=-1, type=FullName(), metavar="[WORKSPACE/SLUG]...")
@account_options
@click.option("--all", "everything", is_flag=True, help="Every repository with a webhook of ours.")
@click.option(
    "--branch", "branches", multiple=True, metavar="NAME", help="Only this one. May be given again."
)
@click.option(
    "--since",
    type=Span(),
    default="7d",
    show_default=True,
    metavar="SPAN",
    help="How old a commit may be, as in 12h, 7d or 4w.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
def replay(
    account: Account,
    repositories: Sequence[str],
    *,
    everything: bool,
    branches: Sequence[str],
    since: timedelta,
    dry_run: bool,
) -> None:
    """Make good a lost webhook: ask for the runs of branch heads that have no record.

    Compares what Bitbucket has as branch heads with the records of runs, and sends what the webhook
    would have sent for heads that ask for something and were not heard of. Doing it twice runs
    nothing twice.
    """
    if bool(repositories) == everything:
        message = "name repositories as WORKSPACE/SLUG, or give --all"
        raise click.UsageError(message)
    secrets = Secrets(account.client("secretsmanager"))
    comparing = _comparing(account, secrets, since)
    if everything:
        repositories = _authorised(secrets, account.names.hooks_secret)
    told: list[Replayed] = []
    failures = 0
    for full_name in repositories:
        try:
            with asking(f"replaying {full_name}"):
                told.append(comparing.replay(full_name, branches, dry_run=dry_run))
        except (NotFound, Rejected, Unavailable) as error:
            failures += 1
            click.echo(f"{full_name}: {_failure(error, account)}", err=True)
    rows = [_row(finding, dry_run=dry_run) for one in told for finding in one.findings]
    if rows:
        click.echo("\n".join(table(_HEAD, rows)))
    _summarize(told, account, dry_run=dry_run)
    missing = set(branches) - {name for one in told for name in one.branches}
    if missing and told:
        message = f"there is no branch {', '.join(sorted(missing))}"
        raise click.ClickException(message)
    if failures:
        message = f"{failures} of {len(repositories)} repositories could not be compared"
        raise click.ClickException(message)


def _authorised(secrets: Secrets, name: str) -> list[str]:
    try:
        with asking("reading the authorised webhooks"):
            return authorised(secrets.get(name), name)
    except Unavailable as error:
        raise AccountError(str(error)) from error


def _comparing(account: Account, secrets: Secrets, since: timedelta) -> Comparing:
    deployed = account.deployed()
    queues: dict[type, str] = {CommitPushed: deployed.output("PushesQueueUrl")}
    return Comparing(
        bitbucket=Bitbucket(
            deployed.output("BitbucketApiUrl"),
            account.names.auth_secret,
            secrets,
            git_url=deployed.output("BitbucketGitUrl"),
        ),
        runs=RunStore(account.client("dynamodb"), deployed.output("RunsTableName")),
        publisher=Publisher(sqs=account.client("sqs"), queues=queues),
        rules=Rules(account.names.stack, deployed.output("KeywordPrefix"), limits(deployed), since),
    )


def _failure(error: NotFound | Rejected | Unavailable, account: Account) -> str:
    if isinstance(error, NotFound):
        return "Bitbucket shows no such repository to these credentials"
    if isinstance(error, CredentialsRefused):
        return f"{error}: write new ones into the secret {account.names.auth_secret}"
    return str(error) if isinstance(error, Rejected) else f"{error}: try again later"


def _row(finding: Finding, *, dry_run: bool) -> tuple[str, ...]:
    pushed = finding.pushed
    done = {
        "send": "would be sent" if dry_run else "sent",
        "old": "left alone: too old",
        "known": "nothing: it was heard",
    }[finding.todo]
    return (
        pushed.repository.full_name,
        pushed.branch,
        pushed.commit[:12],
        finding.state or "none",
        done,
        finding.asks,
    )


def _summarize(told: Sequence[Replayed], account: Account, *, dry_run: bool) -> None:
    findings = [finding for one in told for finding in one.findings]
    silent = sum(len(one.branches) for one in told) - len(findings)
    sent = sum(finding.todo == "send" for finding in findings)
    old = sum(finding.todo == "old" for finding in findings)
    if told:
        click.echo(f"branches that ask for nothing: {silent}")
    if old:
        click.echo(f"left alone, being older than --since: {old}; give a longer one to send them")
    if sent and not dry_run:
        click.echo(f"sent: {sent}; in a minute this command, typed again, shows their records")
        click.echo(f"should one be missing by then: {command(account, 'dlq', 'list')}")
    elif sent:
        click.echo(f"would be sent: {sent}; nothing was, because of --dry-run")
    elif told:
        click.echo("nothing to send")
