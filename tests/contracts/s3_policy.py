"""What a request to S3 needs of an IAM policy, and whether a policy gives it.

By action, resource and the one condition that the project uses, `s3:prefix`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.contracts.wiring import listed


@dataclass(frozen=True)
class Asked:
    """A request as IAM sees it; `prefix` is None where the request has no such parameter."""

    action: str
    resource: str
    prefix: str | None = None


def asked(method: str, target: str, headers: Mapping[str, str]) -> list[Asked]:
    """What a path-style request needs: Service Authorization Reference, "Amazon S3".

    Raises:
        KeyError: a request that nothing of ours was known to make.

    """
    parts = urlsplit(target)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    query = {name: values[0] for name, values in parse_qs(parts.query, True).items()}
    arn = f"arn:aws:s3:::{bucket}"
    if not key:
        if method == "GET" and "location" in query:
            return [Asked("s3:GetBucketLocation", arn)]
        prefix = query.get("prefix") if method == "GET" else None
        action = {"GET": "s3:ListBucket", "HEAD": "s3:ListBucket", "PUT": "s3:CreateBucket"}
        return [Asked({**action, "POST": "s3:DeleteObject"}[method], arn, prefix)]
    actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject"}
    actions["POST"] = "s3:PutObject"  # begins or completes an upload in parts
    actions["DELETE"] = "s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject"
    needed = [Asked(actions[method], f"{arn}/{key}")]
    if "x-amz-copy-source" in headers:
        source = unquote(headers["x-amz-copy-source"]).lstrip("/")
        needed.append(Asked("s3:GetObject", f"arn:aws:s3:::{source}"))
    if "x-amz-acl" in headers:
        needed.append(Asked("s3:PutObjectAcl", f"{arn}/{key}"))
    return needed


def allows(statements: Sequence[Mapping[str, Any]], one: Asked) -> bool:
    """Whether a policy of nothing but Allow statements allows a request.

    Raises:
        ValueError: a statement that is no plain Allow, or a condition on something else.

    """
    return any(_matches(statement, one) for statement in statements)


def _matches(statement: Mapping[str, Any], one: Asked) -> bool:
    conditions = dict(statement.get("Condition", {}))
    if_exists = "StringLikeIfExists" in conditions
    prefixes = conditions.pop(
        "StringLikeIfExists" if if_exists else "StringLike", {"s3:prefix": None}
    )
    if statement["Effect"] != "Allow" or conditions or set(prefixes) != {"s3:prefix"}:
        message = f"a statement that is not understood here: {statement}"
        raise ValueError(message)
    wanted = prefixes["s3:prefix"]
    within = (
        wanted is None
        or (one.prefix is None and if_exists)
        or (
            one.prefix is not None and any(fnmatchcase(one.prefix, like) for like in listed(wanted))
        )
    )
    return (
        within
        and one.action in listed(statement["Action"])
        and any(fnmatchcase(one.resource, like) for like in listed(statement["Resource"]))
    )
