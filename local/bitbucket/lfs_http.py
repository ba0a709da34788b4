"""Git LFS over HTTP: the batch API with basic transfers, and the objects themselves.

"Batch API" and "Basic Transfer API" in the documentation of github.com/git-lfs/git-lfs.
The addresses of objects are signed, as those of Bitbucket are: they need no credentials.
"""

import json
import os

from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from local.bitbucket import access, lfs
from local.bitbucket.answers import Json, Refused, body_of
from local.bitbucket.site import Route, Site

CONTENT_TYPE = "application/vnd.git-lfs+json"
MARK = "/info/lfs/"  # in the path of each route below, and of no other
SIGNED_FOR = 3600  # seconds


def batch(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Tell where each of the asked objects can be fetched from or sent to."""
    repository = _repository(site, workspace, slug)
    sent = body_of(request)
    wanted, operation = sent.get("objects"), sent.get("operation")
    if operation not in {"download", "upload"}:
        raise Refused(422, "the operation is download or upload")
    if not isinstance(wanted, list) or not wanted:
        raise Refused(422, "objects is a list of at least one object")
    transfers = sent.get("transfers") or ["basic"]
    if not isinstance(transfers, list) or "basic" not in transfers:
        raise Refused(422, "basic is the only transfer")
    tell = _download if operation == "download" else _upload
    told: list[Json] = []
    for one in wanted:
        try:
            told.append(tell(site, request, repository, *lfs.read_pointer(one)))
        except Refused as refused:
            told.append(lfs.object_error(one, refused))
    return _answer({"transfer": "basic", "objects": told})


def _download(site: Site, request: Request, repository: str, oid: str, _size: int) -> Json:
    here = site.objects.size(repository, oid)
    if here is None:
        raise Refused(404, "Object does not exist")
    actions = {"download": _action(site, request, "GET", repository, oid)}
    return {"oid": oid, "size": here, "authenticated": True, "actions": actions}


def _upload(site: Site, request: Request, repository: str, oid: str, size: int) -> Json:
    if site.objects.size(repository, oid) is not None:
        return {"oid": oid, "size": size}  # no action: it is here
    actions = {
        "upload": _action(site, request, "PUT", repository, oid),
        "verify": _action(site, request, "POST", repository, f"{oid}/verify"),
    }
    return {"oid": oid, "size": size, "authenticated": True, "actions": actions}


def _action(site: Site, request: Request, method: str, repository: str, name: str) -> Json:
    path = f"/{repository}.git{MARK}objects/{name}"
    # The host that the client has reached: it may know this machine by another name than others.
    href = request.host_url.rstrip("/") + access.signed(site.token, method, path, SIGNED_FOR)
    return {"href": href, "expires_in": SIGNED_FOR}


def get_object(site: Site, request: Request, *, workspace: str, slug: str, oid: str) -> Response:
    """An object's bytes."""
    stream = site.objects.open(_repository(site, workspace, slug), oid)
    answer = Response(
        wrap_file(request.environ, stream),
        content_type="application/octet-stream",
        direct_passthrough=True,
    )
    answer.call_on_close(stream.close)
    answer.content_length = os.fstat(stream.fileno()).st_size
    return answer


def put_object(site: Site, request: Request, *, workspace: str, slug: str, oid: str) -> Response:
    """Keep an object, if it is what its oid says."""
    site.objects.store(_repository(site, workspace, slug), oid, request.stream)
    return Response(status=200)


def verify(site: Site, request: Request, *, workspace: str, slug: str, oid: str) -> Response:
    """Tell a client that has sent an object whether it is here, as long as the client says."""
    told, size = lfs.read_pointer(body_of(request))
    here = site.objects.size(_repository(site, workspace, slug), oid)
    if here is None:
        raise Refused(404, "Object does not exist")
    if (told, size) != (oid, here):
        raise Refused(422, f"the object {oid} has {here} bytes")
    return Response(status=200)


def locks(site: Site, _request: Request, *, workspace: str, slug: str) -> Response:
    """Which files are locked, as a push asks first: none, for the stand-in knows no locks."""
    _repository(site, workspace, slug)
    return _answer({"ours": [], "theirs": []})


def error_answer(refused: Refused) -> Response:
    """An error as LFS clients read it."""
    answer = _answer({"message": refused.message}, refused.status)
    if refused.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="Bitbucket stand-in"'
    return answer


def _repository(site: Site, workspace: str, slug: str) -> str:
    """A repository's full name; its address may end in `.git`, its slug never does."""
    return site.repositories.find(workspace, slug.removesuffix(".git")).full_name


def _answer(body: Json, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type=CONTENT_TYPE)


ROUTES = tuple(
    route
    for base in ("/<workspace>/<slug>.git/info/lfs", "/<workspace>/<slug>/info/lfs")
    for route in (
        Route("POST", f"{base}/objects/batch", batch),
        Route("POST", f"{base}/objects/<oid>/verify", verify),
        Route("GET", f"{base}/objects/<oid>", get_object),
        Route("PUT", f"{base}/objects/<oid>", put_object, largest_body=None),
        Route("POST", f"{base}/locks/verify", locks),
    )
)
