"""The pages that show a person what Bitbucket would show. They need no token: loopback only."""

from collections.abc import Mapping, Sequence
from functools import partial

from markupsafe import Markup
from werkzeug.wrappers import Request, Response

from local.bitbucket import comments, deliveries, statuses
from local.bitbucket.deliveries import Delivery
from local.bitbucket.download_addresses import own_picture
from local.bitbucket.git import Commit, Git
from local.bitbucket.page_frame import HOME, crumbs, page
from local.bitbucket.page_parts import (
    NOTHING,
    comment_block,
    commit_link,
    commit_title,
    delivery_table,
    history_table,
    join,
    message_body,
    state_label,
    status_block,
    subject,
)
from local.bitbucket.repositories import Repository
from local.bitbucket.site import Route, Site

SHOWN_COMMITS = 50
SHOWN_DELIVERIES = 20
HEADING = Markup("<h2>{}</h2>")


def index(site: Site, _request: Request) -> Response:
    """All repositories."""
    rows = join(_repository_card(site, repository) for repository in site.repositories.all())
    empty = Markup('<p class="empty">No repository yet.</p>')
    return page("Repositories", HOME, Markup("<h1>Repositories</h1>{}").format(rows or empty))


def _repository_card(site: Site, repository: Repository) -> Markup:
    git = site.repositories.git(repository)
    newest = git.commits("--branches", limit=1) if git.branches() else []
    last = _last_line(site, repository, newest[0]) if newest else "No commit yet."
    return Markup(
        '<div class="card"><div class="title"><strong><a href="/{name}/">{name}</a></strong>'
        '</div><div class="soft">{last}</div></div>'
    ).format(name=repository.full_name, last=last)


def _last_line(site: Site, repository: Repository, commit: Commit) -> Markup:
    return Markup("{} {} {}").format(
        commit_link(repository, commit.hash),
        commit.subject,
        _label(_states(site, repository).get(commit.hash)),
    )


def overview(site: Site, _request: Request, *, workspace: str, slug: str) -> Response:
    """One repository: its branches, and their commits with all that hangs on them."""
    repository = site.repositories.find(workspace, slug)
    git = site.repositories.git(repository)
    branches = git.branches()
    newest = git.commits("--branches", limit=SHOWN_COMMITS) if branches else []
    told = deliveries.listing(site.database, repository.full_name)
    shown = {commit.hash for commit in newest}
    others = [one for one in told if not shown.intersection(one.heads)][-SHOWN_DELIVERIES:]
    address = f"{site.addresses.pages}/{repository.full_name}.git"
    content = Markup("<h1>{}</h1><p><code>git clone {}</code></p>{}{}{}").format(
        repository.full_name,
        address,
        _branch_table(site, repository, git, branches),
        _commit_cards(site, repository, newest, branches, told),
        HEADING.format("Other webhook deliveries") + delivery_table(others) if others else NOTHING,
    )
    return page(repository.full_name, crumbs(repository), content)


def _branch_table(
    site: Site, repository: Repository, git: Git, branches: Mapping[str, str]
) -> Markup:
    if not branches:
        return Markup('<p class="empty">Nothing was pushed yet.</p>')
    states, main = _states(site, repository), git.main_branch()
    rows = join(
        Markup("<tr><td>{}{}</td><td>{}</td><td>{}</td></tr>").format(
            name,
            Markup(' <span class="chip">main branch</span>') if name == main else NOTHING,
            commit_link(repository, head),
            _label(states.get(head)),
        )
        for name, head in branches.items()
    )
    return HEADING.format("Branches") + Markup(
        '<div class="card"><table class="wide"><tbody>{}</tbody></table></div>'
    ).format(rows)


def _commit_cards(
    site: Site,
    repository: Repository,
    newest: Sequence[Commit],
    branches: Mapping[str, str],
    told: Sequence[Delivery],
) -> Markup:
    if not newest:
        return NOTHING
    cards = join(
        Markup('<div class="card">{}{}{}</div>').format(
            commit_title(
                commit,
                Markup("{} <strong>{}</strong>").format(
                    commit_link(repository, commit.hash), subject(commit)
                ),
                _names(branches, commit),
            ),
            message_body(commit),
            _hangings(site, repository, commit, told),
        )
        for commit in newest
    )
    title = f"Commits, the newest {SHOWN_COMMITS}" if len(newest) == SHOWN_COMMITS else "Commits"
    return HEADING.format(title) + cards


def _hangings(
    site: Site, repository: Repository, commit: Commit, told: Sequence[Delivery]
) -> Markup:
    """A commit's statuses, comments and deliveries."""
    found = statuses.of_commit(site.database, repository.full_name, commit.hash)
    return (
        join(status_block(status) for status in found.values())
        + _comments(site, repository, commit)
        + delivery_table([one for one in told if commit.hash in one.heads])
    )


def _comments(site: Site, repository: Repository, commit: Commit) -> Markup:
    said = comments.of_commit(site.database, repository.full_name, commit.hash)
    pictures = partial(own_picture, site.addresses)
    return join(comment_block(comment, pictures) for comment in said if not comment.deleted)


def commit_page(
    site: Site, _request: Request, *, workspace: str, slug: str, commit: str
) -> Response:
    """One commit: message, changed files, statuses with all their writes, comments, deliveries."""
    repository = site.repositories.find(workspace, slug)
    git = site.repositories.git(repository)
    found = site.repositories.commit(repository, commit)
    told = [
        one
        for one in deliveries.listing(site.database, repository.full_name)
        if found.hash in one.heads
    ]
    shown = statuses.of_commit(site.database, repository.full_name, found.hash).values()
    sections = {
        "Build statuses": join(
            Markup('<div class="card">{}{}</div>').format(
                status_block(status), history_table(status)
            )
            for status in shown
        ),
        "Comments": _comments(site, repository, found),
        "Changes": Markup("<pre>{}</pre>").format(git.diff_stat(found.hash) or "no files"),
        "Webhook deliveries": delivery_table(told),
    }
    content = Markup('<h1>{}</h1><div class="card">{}{}</div>{}').format(
        subject(found),
        commit_title(
            found,
            Markup('<span class="hash">{}</span>').format(found.hash),
            _names(git.branches(), found),
        ),
        message_body(found),
        join(HEADING.format(title) + body for title, body in sections.items() if body),
    )
    above = crumbs(repository) + Markup(" / ") + commit_link(repository, found.hash)
    return page(f"{subject(found)} · {repository.full_name}", above, content)


def _names(branches: Mapping[str, str], commit: Commit) -> list[str]:
    return [name for name, head in branches.items() if head == commit.hash]


def _states(site: Site, repository: Repository) -> dict[str, str]:
    """The state of each commit's newest status."""
    found = statuses.of_repository(site.database, repository.full_name)
    return {status.current.commit_hash: status.current.state for status in found}


def _label(state: str | None) -> Markup:
    return NOTHING if state is None else state_label(state)


ROUTES = (
    Route("GET", "/", index, is_open=True),
    Route("GET", "/<page:workspace>/<slug>/", overview, is_open=True),
    Route("GET", "/<page:workspace>/<slug>/commits/<path:commit>", commit_page, is_open=True),
)
