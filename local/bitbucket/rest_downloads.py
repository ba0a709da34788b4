"""The routes of downloads: those of the API, and the address at which a browser gets the file.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-downloads/
"""

from pathlib import PurePosixPath
from urllib.parse import quote

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from local.bitbucket import access
from local.bitbucket.answers import Json, Refused, paginated
from local.bitbucket.download_addresses import api_address, page_address
from local.bitbucket.downloads import Download, accepted_name
from local.bitbucket.rest import REPOSITORY
from local.bitbucket.shapes import Addresses, account, link
from local.bitbucket.site import Route, Site

DOWNLOADS = f"{REPOSITORY}/downloads"
LARGEST_UPLOAD = (
    50 * 1024 * 1024
)  # bytes of one request; what a report's pictures come to, and more
# What a browser may show in place; all else is saved. An SVG's script is kept from running.
TYPES = {
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
STILL = "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; sandbox"


def upload(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Store the request's `files`; one of a known name takes the place of the other."""
    repository = site.repositories.find(workspace, slug)
    if request.mimetype != "multipart/form-data":
        raise Refused(406, "Unsupported Content-Type. Use multipart/form-data.")
    with request:  # closes the files that Werkzeug has put aside
        sent = request.files.getlist("files")
        if not sent:
            raise Refused(400, "Bad Request: no file in the field files")
        files = [(accepted_name(file.filename), file.stream) for file in sent]
        site.downloads.put(repository.full_name, files, uploader=access.user(request))
    return Response(status=201)


def listing(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Tell of a repository's downloads, the newest first."""
    repository = site.repositories.find(workspace, slug)
    found = site.downloads.listing(repository.full_name)
    return paginated(request, found, lambda one: download_json(one, site.addresses))


def one(site: Site, request: Request, *, workspace: str, slug: str, filename: str) -> Response:
    """Lead to the bytes of a download, or delete it."""
    repository = site.repositories.find(workspace, slug)
    if request.method == "DELETE":
        site.downloads.delete(repository.full_name, filename)
        return Response(status=204)
    download = site.downloads.find(repository.full_name, filename)
    return redirect(page_address(download, site.addresses), 302)


def serve(site: Site, request: Request, *, workspace: str, slug: str, filename: str) -> Response:
    """The bytes, to a browser or to whoever was led here; counted if all of them are sent."""
    repository = site.repositories.find(workspace, slug)
    download, stream = site.downloads.open(repository.full_name, filename)
    shown = TYPES.get(PurePosixPath(download.name).suffix.lower())
    answer = Response(
        wrap_file(request.environ, stream),
        content_type=shown or "application/octet-stream",
        direct_passthrough=True,
    )
    answer.call_on_close(stream.close)
    answer.content_length = download.size
    answer.headers["Content-Security-Policy"] = STILL
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-cache"  # kept, but asked for again: names are reused
    if shown is None:
        named = {"filename*": f"UTF-8''{quote(download.name, safe='')}"}  # RFC 6266
        answer.headers.set("Content-Disposition", "attachment", **named)
    answer.set_etag(download.content)
    answer.make_conditional(request)
    if request.method == "GET" and answer.status_code == 200:
        site.downloads.count_fetch(download)
    return answer


def download_json(download: Download, addresses: Addresses) -> Json:
    """A download as the API answers it."""
    return {
        "type": "download",
        "name": download.name,
        "size": download.size,
        "downloads": download.fetched,
        "created_on": download.created_on,
        "user": account(download.uploader, addresses),
        "links": {"self": link(api_address(download, addresses))},
    }


ROUTES = (
    Route("POST", DOWNLOADS, upload, largest_body=LARGEST_UPLOAD),
    Route("GET", DOWNLOADS, listing),
    Route("GET", f"{DOWNLOADS}/<filename>", one),
    Route("DELETE", f"{DOWNLOADS}/<filename>", one),
    Route("GET", "/<page:workspace>/<slug>/downloads/<filename>", serve, is_open=True),
)
