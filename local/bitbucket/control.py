"""Routes that Bitbucket does not have: for tests, and for people who look behind the scene."""

from werkzeug.wrappers import Request, Response

from local.bitbucket import deliveries, hooks, protections, statuses
from local.bitbucket.answers import Refused, body_of, json_answer
from local.bitbucket.deliveries import delivery_json
from local.bitbucket.faults import read_fault
from local.bitbucket.scopes import read_token
from local.bitbucket.site import Route, Site


def list_deliveries(site: Site, request: Request) -> Response:
    """Every attempt to deliver a webhook, oldest first; `?repository=workspace/slug` narrows."""
    found = deliveries.listing(site.database, request.args.get("repository"))
    return json_answer({"values": [delivery_json(delivery) for delivery in found]})


def redeliver(site: Site, _request: Request, *, number: int) -> Response:
    """Send the body of a delivery once more, under a new request uuid."""
    delivery = deliveries.find(site.database, number)
    if delivery is None:
        raise Refused(404, f"delivery {number} not found")
    if delivery.state == deliveries.TOO_LARGE:
        raise Refused(409, f"delivery {number} is too large to be sent")
    hooks.find(site.database, delivery.repository, delivery.hook)
    again = deliveries.again(site.database, delivery)
    site.sender.send(again)
    return json_answer(delivery_json(again), 202)


def status_history(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Every accepted write of each status, oldest first; `?commit=HASH` narrows."""
    repository = site.repositories.find(workspace, slug)
    wanted = request.args.get("commit")
    if wanted is not None:
        wanted = site.repositories.commit(repository, wanted).hash
    values = [
        {
            "commit": status.current.commit_hash,
            "key": status.current.key,
            "refname": status.current.refname,
            "writes": [
                {
                    "time": write.written_on,
                    "state": write.state,
                    "name": write.name,
                    "description": write.description,
                    "url": write.url,
                }
                for write in status.writes
            ],
        }
        for status in statuses.of_repository(site.database, repository.full_name)
        if wanted in {None, status.current.commit_hash}
    ]
    return json_answer({"values": values})


def list_protections(site: Site, _request: Request, *, workspace: str, slug: str) -> Response:
    """The patterns of the branches that nobody may push to."""
    repository = site.repositories.find(workspace, slug)
    found = protections.of_repository(site.database, repository.full_name)
    return json_answer({"values": [protections.protection_json(pattern) for pattern in found]})


def protect(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """Let nobody push to the branches of a `pattern`: see `local.bitbucket.protections`."""
    repository = site.repositories.find(workspace, slug)
    pattern = protections.read_pattern(body_of(request))
    protections.protect(site.database, repository.full_name, pattern)
    return json_answer(protections.protection_json(pattern), 201)


def unprotect(site: Site, request: Request, *, workspace: str, slug: str) -> Response:
    """End the protection of `?pattern=PATTERN`."""
    repository = site.repositories.find(workspace, slug)
    pattern = request.args.get("pattern", "")
    protections.unprotect(site.database, repository.full_name, pattern)
    return Response(status=204)


def list_faults(site: Site, _request: Request) -> Response:
    """Every fault since the start, with the number of requests it met."""
    return json_answer({"values": site.faults.listing()})


def add_fault(site: Site, request: Request) -> Response:
    """Begin with a fault: see `local.bitbucket.faults.Fault`."""
    return json_answer(site.faults.add(read_fault(body_of(request))), 201)


def clear_faults(site: Site, _request: Request) -> Response:
    """End every fault."""
    site.faults.clear()
    return Response(status=204)


def put_token(site: Site, request: Request) -> Response:
    """Know a `token` that has some `scopes`: see `local.bitbucket.scopes`."""
    token, scopes = read_token(body_of(request))
    site.tokens.put(token, scopes)
    return json_answer({"scopes": sorted(scopes)}, 201)


def revoke_token(site: Site, request: Request) -> Response:
    """Know a `token` no more."""
    site.tokens.revoke(str(body_of(request).get("token")))
    return Response(status=204)


ROUTES = (
    Route("GET", "/_control/deliveries", list_deliveries),
    Route("POST", "/_control/deliveries/<int:number>/redeliver", redeliver),
    Route("GET", "/_control/statuses/<workspace>/<slug>", status_history),
    Route("GET", "/_control/protections/<workspace>/<slug>", list_protections),
    Route("POST", "/_control/protections/<workspace>/<slug>", protect),
    Route("DELETE", "/_control/protections/<workspace>/<slug>", unprotect),
    Route("GET", "/_control/faults", list_faults),
    Route("POST", "/_control/faults", add_fault),
    Route("DELETE", "/_control/faults", clear_faults),
    Route("POST", "/_control/tokens", put_token),
    Route("DELETE", "/_control/tokens", revoke_token),
)
