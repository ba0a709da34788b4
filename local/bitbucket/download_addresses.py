"""The addresses of a download, in the API and for browsers, and whether a picture's is one."""

import re
from urllib.parse import quote, urlsplit

from local.bitbucket.downloads import Download
from local.bitbucket.shapes import Addresses

LOOPBACK = {"127.0.0.1", "localhost"}  # other names of the host that the pages have
PAGE = re.compile(r"(?:/2\.0/repositories)?(/[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+/downloads/[^/]+)")


def api_address(download: Download, addresses: Addresses) -> str:
    """Where the API tells of a download."""
    return f"{addresses.api}/repositories{_path(download)}"


def page_address(download: Download, addresses: Addresses) -> str:
    """Where a browser gets a download."""
    return f"{addresses.pages}{_path(download)}"


def own_picture(addresses: Addresses, url: str) -> str | None:
    """The path at which a page finds a picture that is a download here; None for any other.

    A path, so that the picture is there whichever of this machine's names the page was asked by.
    """
    try:
        asked, own = urlsplit(url), urlsplit(addresses.pages)
        here = asked.port == own.port and asked.hostname in LOOPBACK | {own.hostname}
    except ValueError:  # a port that is no number
        return None
    path = PAGE.fullmatch(asked.path)
    return path[1] if here and path and asked.scheme == own.scheme else None


def _path(download: Download) -> str:
    return f"/{download.repository}/downloads/{quote(download.name, safe='')}"
