"""The REST routes of build statuses.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
"""

from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from local.bitbucket import statuses
from local.bitbucket.answers import Json, Refused, body_of, json_answer, paginated
from local.bitbucket.rest import REPOSITORY
from local.bitbucket.shapes import Addresses, link
from local.bitbucket.site import Route, Site
from local.bitbucket.statuses import Status

COMMIT = f"{REPOSITORY}/commit/<path:commit>"
SORTS = {"created_on", "updated_on"}


def write(site: Site, request: Request, *, workspace: str, slug: str, commit: str) -> Response:
    """Create a status, or write over the one of the same key: 201 for both, as published."""
    repository, commit_hash = _target(site, workspace, slug, commit)
    status = statuses.write(site.database, repository, commit_hash, body_of(request))
    return json_answer(status_json(status, site.addresses), 201)


def update(
    site: Site, request: Request, *, workspace: str, slug: str, commit: str, key: str
) -> Response:
    """Change what was sent of a status."""
    repository, commit_hash = _target(site, workspace, slug, commit)
    _known(site, repository, commit_hash, key)
    status = statuses.write(site.database, repository, commit_hash, body_of(request), onto=key)
    return json_answer(status_json(status, site.addresses))


def get(
    site: Site,
    _request: Request,
    *,
    workspace: str,
    slug: str,
    commit: str,
    key: str,
) -> Response:
    """Tell of one status."""
    repository, commit_hash = _target(site, workspace, slug, commit)
    return json_answer(status_json(_known(site, repository, commit_hash, key), site.addresses))


def of_commit(site: Site, request: Request, *, workspace: str, slug: str, commit: str) -> Response:
    """Tell of a commit's statuses, oldest first or in the order asked for."""
    repository, commit_hash = _target(site, workspace, slug, commit)
    found = list(statuses.of_commit(site.database, repository, commit_hash).values())
    if sort := request.args.get("sort"):
        name = sort.removeprefix("-")
        if name not in SORTS:
            raise Refused(400, f"Bad request: sort is one of {', '.join(sorted(SORTS))}")
        found.sort(
            key=lambda one: one.created_on if name == "created_on" else one.current.written_on,
            reverse=sort.startswith("-"),
        )
    return paginated(request, found, lambda status: status_json(status, site.addresses))


def status_json(status: Status, addresses: Addresses) -> Json:
    """A status as the API answers it."""
    current = status.current
    commit = f"{addresses.api}/repositories/{status.repository}/commit/{current.commit_hash}"
    told: Json = {
        "type": "build",
        "uuid": status.uuid,
        "key": current.key,
        "state": current.state,
        "name": current.name,
        "description": current.description,
        "url": current.url,
        "created_on": status.created_on,
        "updated_on": current.written_on,
        "links": {
            "self": link(f"{commit}/statuses/build/{quote(current.key, safe='')}"),
            "commit": link(commit),
        },
    }
    if current.refname is not None:
        told["refname"] = current.refname
    return told


def _target(site: Site, workspace: str, slug: str, commit: str) -> tuple[str, str]:
    """The full names of a repository and of its commit."""
    repository = site.repositories.find(workspace, slug)
    return repository.full_name, site.repositories.commit(repository, commit).hash


def _known(site: Site, repository: str, commit_hash: str, key: str) -> Status:
    status = statuses.of_commit(site.database, repository, commit_hash).get(key)
    if status is None:
        raise Refused(404, f"Build status {key} not found")
    return status


ROUTES = (
    Route("POST", f"{COMMIT}/statuses/build", write),
    Route("PUT", f"{COMMIT}/statuses/build/<path:key>", update),
    Route("GET", f"{COMMIT}/statuses/build/<path:key>", get),
    Route("GET", f"{COMMIT}/statuses", of_commit),
)
