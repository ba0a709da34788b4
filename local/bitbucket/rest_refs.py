"""The REST route of branches.

Shapes and order: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-refs/.
"""

from werkzeug.wrappers import Request, Response

from local.bitbucket.answers import Json, paginated
from local.bitbucket.rest import REPOSITORY
from local.bitbucket.shapes import commit_json, link
from local.bitbucket.site import Route, Site


def list_branches(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Tell of a repository's branches, in the order of their names, each with its head."""
    repository = site.repositories.find(workspace, slug)
    git = site.repositories.git(repository)
    api = f"{site.addresses.api}/repositories/{repository.full_name}"

    def as_json(branch: tuple[str, str]) -> Json:
        name, head = branch
        return {
            "type": "branch",
            "name": name,
            "target": commit_json(git.commit(head), repository, site.addresses),
            "links": {
                "self": link(f"{api}/refs/branches/{name}"),
                "commits": link(f"{api}/commits/{name}"),
            },
        }

    return paginated(request, sorted(git.branches().items()), as_json)


ROUTES = (Route("GET", f"{REPOSITORY}/refs/branches", list_branches),)
