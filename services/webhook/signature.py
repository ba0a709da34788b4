"""What proves that a delivery comes from an authorised webhook.

Bitbucket signs the raw body with the webhook's secret: `X-Hub-Signature: sha256=<hex HMAC>`
(support.atlassian.com, "Manage webhooks": secure webhooks).
"""

import hashlib
import hmac

_SCHEME = "sha256="


def sign(body: bytes, secret: str) -> str:
    """The value of X-Hub-Signature for `body`.

    >>> sign(b"Hello World!", "It's a Secret to Everybody")
    'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9'
    """
    return _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(body: bytes, secret: str, header: str) -> bool:
    """Whether `header` is the signature of `body`; takes the same time for every wrong one."""
    given = header.strip().lower().encode(errors="replace")
    return hmac.compare_digest(sign(body, secret).encode(), given)
