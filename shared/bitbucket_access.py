"""How Bitbucket is called: with the credentials of the secret, and those of OAuth renewed."""

from collections.abc import Callable

import urllib3

from shared.bitbucket_credentials import Credentials, ReadsSecrets, Token, read_credentials
from shared.bitbucket_refusals import CARRIED_OUT_SECONDS, CredentialsRefused, check
from shared.errors import Unavailable
from shared.events import Model

_CONNECT_SECONDS = 3
_READ_SECONDS = 10
# A token is renewed this long before Bitbucket lets it end.
_OAUTH_MARGIN = 120


class _Granted(Model):
    """An OAuth token that was granted for `expires_in` seconds."""

    access_token: Token
    expires_in: float


def oauth_url(git_url: str) -> str:
    """Where a consumer asks for its token, beside the repositories.

    >>> oauth_url("https://bitbucket.org/")
    'https://bitbucket.org/site/oauth2/access_token'
    """
    return f"{git_url.rstrip('/')}/site/oauth2/access_token"


class Access:
    """Calls Bitbucket as whoever the secret says; see `shared.bitbucket.Bitbucket`."""

    def __init__(
        self, secret: str, secrets: ReadsSecrets, git_url: str, clock: Callable[[], float]
    ) -> None:
        self._secret = secret
        self._secrets = secrets
        self._oauth_url = oauth_url(git_url)
        self._clock = clock
        self._oauth: dict[str, tuple[float, str]] = {}
        # A call that is not answered is made again by the queue, not here.
        self._http = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        )

    def call(
        self, method: str, url: str, slug: str, doing: str, body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        """The answer to a call about the repository `slug`, if it is a success.

        Raises:
            NotFound: Bitbucket shows no such thing to these credentials.
            Unavailable: Bitbucket is away, asks for patience or refuses the credentials.
            UnexpectedAnswer: Bitbucket calls the question malformed, which is a bug of ours.

        """
        headers = {"Content-Type": "application/json"} if body is not None else {}
        shown = {"Authorization": self._authorization(slug, fresh=False)}
        answer = self._request(url, body, headers | shown, doing, method)
        if answer.status == 401:
            # The secret may have been rotated within the minute that it is kept.
            shown = {"Authorization": self._authorization(slug, fresh=True)}
            answer = self._request(url, body, headers | shown, doing, method)
        check(answer, doing, method)
        return answer

    def _request(
        self,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
        doing: str,
        method: str = "POST",
    ) -> urllib3.BaseHTTPResponse:
        # A connection for each call. While Lambda keeps a function frozen, Bitbucket closes the one
        # of its last call, and the function does not see that: a status that goes into it is not
        # answered, and is repeated a minute later. A new one takes some 50 to 100 ms.
        self._http.clear()
        try:
            return self._http.request(method, url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            message = f"{doing}: {type(error).__name__}"
            # urllib3 has a refused connection among the connections that took too long.
            sent = not isinstance(error, urllib3.exceptions.ConnectTimeoutError)
            wait = CARRIED_OUT_SECONDS if sent and method != "GET" else None
            raise Unavailable(message, retry_after=wait) from error

    def _authorization(self, slug: str, *, fresh: bool) -> str:
        credentials = read_credentials(self._secrets, self._secret, slug, fresh=fresh)
        if credentials.kind == "access_token":
            return f"Bearer {credentials.token}"
        if credentials.kind == "api_token":
            return credentials.basic
        return f"Bearer {self._oauth_token(credentials, fresh=fresh)}"

    def _oauth_token(self, consumer: Credentials, *, fresh: bool) -> str:
        kept = self._oauth.get(consumer.basic)
        if kept is not None and not fresh and self._clock() < kept[0]:
            return kept[1]
        doing = "asking for an OAuth token"
        headers = {
            "Authorization": consumer.basic,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = self._request(self._oauth_url, b"grant_type=client_credentials", headers, doing)
        # A 404 here is no commit that is missing: these are no credentials of an OAuth consumer.
        if answer.status in (400, 401, 404):
            message = f"{doing}: {answer.status}"
            raise CredentialsRefused(message)
        check(answer, doing, "POST")
        try:
            granted = _Granted.model_validate_json(answer.data)
        except ValueError:
            message = f"{doing}: the answer holds no token"
            raise Unavailable(message) from None
        ends = self._clock() + granted.expires_in - _OAUTH_MARGIN
        self._oauth[consumer.basic] = (ends, granted.access_token)
        return granted.access_token
