"""The REST routes of comments on commits.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/
"""

from werkzeug.wrappers import Request, Response

from local.bitbucket import comments
from local.bitbucket.answers import Json, Refused, body_of, json_answer, paginated
from local.bitbucket.comments import Comment
from local.bitbucket.fields import is_text, wrong_fields
from local.bitbucket.git import Commit
from local.bitbucket.repositories import Repository
from local.bitbucket.rest import REPOSITORY
from local.bitbucket.shapes import (
    Addresses,
    account,
    commit_page,
    commit_reference,
    link,
    rendered_text,
)
from local.bitbucket.site import Route, Site

COMMENTS = f"{REPOSITORY}/commit/<path:commit>/comments"
# What a client really gets for a comment that is too long: runatlantis/atlantis issue 1251.
TOO_LONG = "<!DOCTYPE html><html><head><title>400</title></head><body>Bad Request</body></html>"


def create(site: Site, request: Request, *, workspace: str, slug: str, commit: str) -> Response:
    """Comment on a commit."""
    repository, target = _target(site, workspace, slug, commit)
    sent = body_of(request)
    raw = _raw(sent)
    parent = _parent(site, repository, target, sent)
    if len(raw) > comments.LONGEST:
        return _too_long()
    inline = sent.get("inline")
    comment = comments.create(
        site.database,
        repository.full_name,
        target.hash,
        raw,
        parent=parent,
        inline=inline if isinstance(inline, dict) else None,
    )
    return json_answer(comment_json(comment, repository, site.addresses), 201)


def of_commit(site: Site, request: Request, *, workspace: str, slug: str, commit: str) -> Response:
    """Tell of a commit's comments, oldest first."""
    repository, target = _target(site, workspace, slug, commit)
    found = comments.of_commit(site.database, repository.full_name, target.hash)
    return paginated(
        request,
        [comment for comment in found if not comment.deleted],
        lambda comment: comment_json(comment, repository, site.addresses),
    )


def one(
    site: Site, request: Request, *, workspace: str, slug: str, commit: str, number: int
) -> Response:
    """Tell of, change or delete one comment; a change is answered with 201, as published."""
    repository, target = _target(site, workspace, slug, commit)
    comment = _known(site, repository, target, number)
    if request.method == "DELETE":
        comments.delete(site.database, comment)
        return Response(status=204)
    if comment.deleted:
        raise Refused(404, "Comment not found")
    if request.method == "GET":
        return json_answer(comment_json(comment, repository, site.addresses))
    raw = _raw(body_of(request))
    if len(raw) > comments.LONGEST:
        return _too_long()
    changed = comments.change(site.database, comment, raw)
    return json_answer(comment_json(changed, repository, site.addresses), 201)


def comment_json(comment: Comment, repository: Repository, addresses: Addresses) -> Json:
    """A comment as the API answers it."""
    commit = f"{addresses.api}/repositories/{comment.repository}/commit/{comment.commit_hash}"
    page = commit_page(comment.commit_hash, repository, addresses)
    told: Json = {
        "type": "commit_comment",
        "id": comment.id,
        "content": rendered_text(comment.raw),
        "created_on": comment.created_on,
        "updated_on": comment.updated_on,
        "deleted": comment.deleted,
        "user": account("", addresses),
        "commit": commit_reference(comment.commit_hash, repository, addresses),
        "links": {
            "self": link(f"{commit}/comments/{comment.id}"),
            "html": link(f"{page}#comment-{comment.id}"),
        },
    }
    if comment.inline is not None:
        told["inline"] = comment.inline
    if comment.parent is not None:
        told["parent"] = {"type": "commit_comment", "id": comment.parent}
    return told


def _target(site: Site, workspace: str, slug: str, commit: str) -> tuple[Repository, Commit]:
    repository = site.repositories.find(workspace, slug)
    return repository, site.repositories.commit(repository, commit)


def _known(site: Site, repository: Repository, target: Commit, number: object) -> Comment:
    for comment in comments.of_commit(site.database, repository.full_name, target.hash):
        if comment.id == number:
            return comment
    raise Refused(404, "Comment not found")


def _raw(sent: Json) -> str:
    content = sent.get("content")
    raw = content.get("raw") if isinstance(content, dict) else None
    if not is_text(raw) or not raw.strip():
        raise wrong_fields({"content": ["This field is required."]})
    return raw


def _parent(site: Site, repository: Repository, target: Commit, sent: Json) -> int | None:
    parent = sent.get("parent")
    if not isinstance(parent, dict):
        return None
    return _known(site, repository, target, parent.get("id")).id


def _too_long() -> Response:
    return Response(TOO_LONG, 400, content_type="text/html; charset=utf-8")


ROUTES = (
    Route("POST", COMMENTS, create),
    Route("GET", COMMENTS, of_commit),
    Route("GET", f"{COMMENTS}/<int:number>", one),
    Route("PUT", f"{COMMENTS}/<int:number>", one),
    Route("DELETE", f"{COMMENTS}/<int:number>", one),
)
