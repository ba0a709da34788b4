"""The REST routes of repositories, webhooks and commits, and the OAuth token endpoint.

Shapes and answers: https://developer.atlassian.com/cloud/bitbucket/rest/.
"""

import hmac

from werkzeug.wrappers import Request, Response

from local.bitbucket import hooks
from local.bitbucket.answers import body_of, json_answer, paginated
from local.bitbucket.repositories import Repository
from local.bitbucket.shapes import commit_json, full_repository_json
from local.bitbucket.site import Route, Site

REPOSITORY = "/2.0/repositories/<workspace>/<slug>"
TOKEN_LASTS = 7200  # seconds


def create_repository(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Create a repository; the body may be empty."""
    wishes = body_of(request) if request.get_data() else {}
    repository = site.repositories.create(f"{workspace}/{slug}", wishes)
    return _repository(site, repository)


def get_repository(site: Site, _request: Request, *, workspace: str, slug: str) -> Response:
    """Tell of a repository."""
    return _repository(site, site.repositories.find(workspace, slug))


def _repository(site: Site, repository: Repository) -> Response:
    main = site.repositories.git(repository).main_branch()
    return json_answer(full_repository_json(repository, main, site.addresses))


def list_repositories(site: Site, request: Request, *, workspace: str) -> Response:
    """Tell of a workspace's repositories."""
    found = [one for one in site.repositories.all() if one.workspace == workspace.lower()]

    def as_json(repository: Repository) -> dict[str, object]:
        main = site.repositories.git(repository).main_branch()
        return full_repository_json(repository, main, site.addresses)

    return paginated(request, found, as_json)


def get_commit(
    site: Site, _request: Request, *, workspace: str, slug: str, commit: str
) -> Response:
    """Tell of a commit, named by its hash, short or full, or by a branch."""
    repository = site.repositories.find(workspace, slug)
    found = site.repositories.commit(repository, commit)
    return json_answer(commit_json(found, repository, site.addresses))


def create_hook(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Add a webhook."""
    repository = site.repositories.find(workspace, slug)
    hook = hooks.create(site.database, repository.full_name, body_of(request))
    answer = json_answer(hooks.hook_json(hook, repository, site.addresses), 201)
    answer.headers["Location"] = hooks.address(hook, site.addresses)
    return answer


def list_hooks(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Tell of a repository's webhooks."""
    repository = site.repositories.find(workspace, slug)
    found = hooks.of_repository(site.database, repository.full_name)
    return paginated(request, found, lambda hook: hooks.hook_json(hook, repository, site.addresses))


def one_hook(site: Site, request: Request, *, workspace: str, slug: str, uid: str) -> Response:
    """Tell of, change or delete one webhook."""
    repository = site.repositories.find(workspace, slug)
    hook = hooks.find(site.database, repository.full_name, uid)
    if request.method == "DELETE":
        hooks.delete(site.database, hook)
        return Response(status=204)
    if request.method == "PUT":
        hook = hooks.update(site.database, hook, body_of(request))
    return json_answer(hooks.hook_json(hook, repository, site.addresses))


def access_token(site: Site, request: Request) -> Response:
    """OAuth 2.0 client credentials: any key, with a token that the stand-in knows as its secret."""
    sent = request.authorization
    secret = sent.get("password") if sent is not None and sent.type == "basic" else None
    secret = secret or request.form.get("client_secret", "")
    is_all = hmac.compare_digest(secret.encode(), site.token.encode())
    if not is_all and site.tokens.scopes(secret) is None:
        return _oauth_error(401, "unauthorized_client", "The client credentials are wrong.")
    if request.form.get("grant_type") != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type", "Only client_credentials is known.")
    return json_answer({"access_token": secret, "expires_in": TOKEN_LASTS, "token_type": "bearer"})


def _oauth_error(status: int, error: str, description: str) -> Response:
    return json_answer({"error": error, "error_description": description}, status)


ROUTES = (
    Route("GET", "/2.0/repositories/<workspace>", list_repositories),
    Route("POST", REPOSITORY, create_repository),
    Route("GET", REPOSITORY, get_repository),
    Route("GET", f"{REPOSITORY}/commit/<path:commit>", get_commit),
    Route("POST", f"{REPOSITORY}/hooks", create_hook),
    Route("GET", f"{REPOSITORY}/hooks", list_hooks),
    Route("GET", f"{REPOSITORY}/hooks/<uid>", one_hook),
    Route("PUT", f"{REPOSITORY}/hooks/<uid>", one_hook),
    Route("DELETE", f"{REPOSITORY}/hooks/<uid>", one_hook),
    Route("POST", "/site/oauth2/access_token", access_token, is_open=True),
)
