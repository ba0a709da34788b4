"""Answers in Bitbucket's shapes: JSON, errors, pages of a list."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

Json = dict[str, object]
Entry = TypeVar("Entry")

DEFAULT_PAGE = 10  # entries; https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination
LARGEST_PAGE = 100


class Refused(Exception):
    """A request that is answered with an error; `fields` tells what is wrong with which."""

    def __init__(
        self,
        status: int,
        message: str,
        fields: Mapping[str, Sequence[str]] | None = None,
        *,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = fields
        self.detail = detail


def json_answer(body: Mapping[str, object], status: int = 200) -> Response:
    """A JSON document."""
    return Response(json.dumps(body), status, content_type="application/json; charset=utf-8")


def error_answer(refused: Refused) -> Response:
    """Bitbucket's error body, as reported in https://github.com/buildbot/buildbot/issues/7049."""
    error: Json = {"message": refused.message}
    if refused.fields:
        error["fields"] = {name: list(texts) for name, texts in refused.fields.items()}
    if refused.detail:
        error["detail"] = dict(refused.detail)
    answer = json_answer({"type": "error", "error": error}, refused.status)
    if refused.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="Bitbucket stand-in"'
    return answer


def body_of(request: Request) -> Json:
    """The request's JSON object; refused with 400 if it is none."""
    try:
        body = json.loads(request.get_data())
    except ValueError as error:
        raise Refused(400, "Bad request: the body is not JSON") from error
    if not isinstance(body, dict):
        raise Refused(400, "Bad request: the body is not a JSON object")
    return body


def paginated(
    request: Request, entries: Sequence[Entry], as_json: Callable[[Entry], Json]
) -> Response:
    """One page of a list, with the addresses of the pages beside it."""
    if "q" in request.args:
        raise Refused(400, "Bad request: the stand-in does not filter with q")
    page, pagelen = _number(request, "page", 1), _number(request, "pagelen", DEFAULT_PAGE)
    if pagelen > LARGEST_PAGE:
        raise Refused(400, "Invalid pagelen")
    start = (page - 1) * pagelen
    if start and start >= len(entries):
        raise Refused(404, "Invalid page")
    answer: Json = {
        "values": [as_json(entry) for entry in entries[start : start + pagelen]],
        "page": page,
        "pagelen": pagelen,
        "size": len(entries),
    }
    if start + pagelen < len(entries):
        answer["next"] = _address(request, page + 1)
    if page > 1:
        answer["previous"] = _address(request, page - 1)
    return json_answer(answer)


def _number(request: Request, name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise Refused(400, f"Invalid {name}")
    return int(text)


def _address(request: Request, page: int) -> str:
    asked = {**request.args.to_dict(), "page": str(page)}
    return f"{request.base_url}?{urlencode(asked)}"
