"""Who may ask: whoever shows the token, and whoever follows an address signed with it.

Bitbucket gives out signed addresses too: they lead to bytes, for a while, without credentials.
"""

import hashlib
import hmac
import time
from urllib.parse import quote, urlencode

from werkzeug.wrappers import Request


def allows(token: str, request: Request) -> bool:
    """Whether the request shows the token, as a Bearer token or as anybody's password."""
    matches = hmac.compare_digest(shown(request).encode(), token.encode())
    return matches or _is_signed(token, request)


def shown(request: Request) -> str:
    """The token that a request shows; "" for none."""
    sent = request.authorization
    if sent is None:
        return ""
    return (sent.token if sent.type == "bearer" else sent.get("password")) or ""


def user(request: Request) -> str:
    """Who asks; `x-token-auth` for whoever shows a token and no name."""
    name = request.authorization.get("username") if request.authorization else None
    return "".join(filter(str.isprintable, name or "")) or "x-token-auth"


def signed(token: str, method: str, path: str, lasts: int) -> str:
    """A path with a query that opens it to one method for `lasts` seconds, without the token."""
    until = int(time.time()) + lasts
    signature = _signature(token, method, path, str(until))
    return f"{quote(path)}?{urlencode({'until': until, 'signature': signature})}"


def _is_signed(token: str, request: Request) -> bool:
    until, signature = request.args.get("until", ""), request.args.get("signature", "")
    wanted = _signature(token, request.method, request.path, until)
    if not hmac.compare_digest(signature.encode(), wanted.encode()):
        return False
    return int(until) >= time.time()


def _signature(token: str, method: str, path: str, until: str) -> str:
    told = f"{method} {path} {until}".encode()
    return hmac.new(token.encode(), told, hashlib.sha256).hexdigest()
