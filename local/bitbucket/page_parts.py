"""What the pages are made of: a status, a comment, a commit's title, a table of deliveries."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from local.bitbucket.comments import Comment
from local.bitbucket.deliveries import Delivery
from local.bitbucket.git import Commit
from local.bitbucket.markdown import Pictures, rendered
from local.bitbucket.repositories import Repository
from local.bitbucket.statuses import Status
from local.bitbucket.times import seconds_between

SHORT = 12  # characters of a hash; Bitbucket shows seven, people who grep want more
NOTHING = Markup("")
ROW = Markup("<tr>{}</tr>")
CELL = Markup("<td>{}</td>")


def join(parts: Iterable[Markup]) -> Markup:
    """Parts, one after the other."""
    return NOTHING.join(parts)


def state_label(state: str) -> Markup:
    """A state, in its colour."""
    return Markup('<span class="state {0}">{0}</span>').format(state)


def clock(time: str) -> Markup:
    """A moment: the time of day in UTC, and the day when one points at it."""
    moment = datetime.fromisoformat(time).astimezone(UTC)
    return Markup('<span class="time" title="{}">{}</span>').format(
        f"{moment:%Y-%m-%d %H:%M:%S} UTC", f"{moment:%H:%M:%S}"
    )


def commit_link(repository: Repository, commit_hash: str) -> Markup:
    """A short hash that leads to the commit's page."""
    return Markup('<a class="hash" href="/{}/commits/{}">{}</a>').format(
        repository.full_name, commit_hash, commit_hash[:SHORT]
    )


def commit_title(commit: Commit, first: Markup, branches: Sequence[str]) -> Markup:
    """What names the commit, the branches that show it, who wrote it and when."""
    chips = join(Markup('<span class="chip">{}</span> ').format(name) for name in branches)
    day = datetime.fromisoformat(commit.date)
    return Markup(
        '<div class="title">{first}{chips}</div>'
        '<div class="soft">{author}, <span title="UTC">{day}</span></div>'
    ).format(first=first, chips=chips, author=commit.author, day=f"{day:%d %B %Y, %H:%M:%S}")


def subject(commit: Commit) -> str:
    """The message's first line, or what stands for it."""
    return commit.subject or "(no message)"


def message_body(commit: Commit) -> Markup:
    """The message below its first line."""
    body = commit.message.lstrip().partition("\n")[2].strip("\n")
    return Markup("<pre>{}</pre>").format(body) if body.strip() else NOTHING


def status_block(status: Status) -> Markup:
    """A status with the way it came: each state once, with its time."""
    current = status.current
    return Markup(
        '<div class="status">{label} <a href="{url}" rel="noreferrer">{name}</a>{refname}'
        '<p>{description}</p><div class="timeline soft">{timeline}</div></div>'
    ).format(
        label=state_label(current.state),
        url=current.url,
        name=current.name or current.key,
        refname=_refname(current.refname),
        description=current.description,
        timeline=_timeline(status),
    )


def _refname(refname: str | None) -> Markup:
    return Markup(' <span class="chip">{}</span>').format(refname) if refname else NOTHING


def _timeline(status: Status) -> Markup:
    steps: list[Markup] = []
    last = None
    for write in status.writes:
        if write.state != last:
            arrow = "→ " if steps else ""
            step = Markup("<span>{}{} {}</span>")
            steps.append(step.format(arrow, write.state, clock(write.written_on)))
            last = write.state
    took = seconds_between(status.created_on, status.current.written_on)
    if len(steps) > 1:
        steps.append(Markup("<span>after {} s</span>").format(f"{took:.1f}"))
    return join(steps)


def history_table(status: Status) -> Markup:
    """Every write of a status."""
    rows = [
        ROW.format(
            join(
                CELL.format(cell)
                for cell in (clock(write.written_on), state_label(write.state), write.description)
            )
        )
        for write in status.writes
    ]
    head = Markup("<tr><th>Time (UTC)</th><th>State</th><th>Description</th></tr>")
    return Markup('<table class="wide"><thead>{}</thead><tbody>{}</tbody></table>').format(
        head, join(rows)
    )


def comment_block(comment: Comment, pictures: Pictures) -> Markup:
    """A comment, its Markdown rendered."""
    edited = " (edited)" if comment.updated_on != comment.created_on else ""
    return Markup(
        '<div class="comment" id="comment-{number}">'
        '<div class="soft">Comment {number}, {time}{edited}</div>{html}</div>'
    ).format(
        number=comment.id,
        time=clock(comment.created_on),
        edited=edited,
        html=rendered(comment.raw, pictures),
    )


def delivery_table(found: Sequence[Delivery]) -> Markup:
    """Attempts to deliver webhooks, oldest first."""
    if not found:
        return NOTHING
    rows = [
        ROW.format(
            join(
                CELL.format(cell)
                for cell in (
                    f"webhook {delivery.event}",
                    f"attempt {delivery.attempt}",
                    _outcome(delivery),
                    clock(delivery.time or delivery.event_time),
                    Markup('<span class="hash">{}</span>').format(delivery.hook),
                )
            )
        )
        for delivery in found
    ]
    return Markup('<table class="deliveries soft"><tbody>{}</tbody></table>').format(join(rows))


def _outcome(delivery: Delivery) -> str:
    if delivery.status is not None:
        return f"{delivery.status} in {delivery.duration_ms} ms"
    return delivery.error or delivery.state
