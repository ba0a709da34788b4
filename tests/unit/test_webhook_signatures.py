"""What proves that a delivery is Bitbucket's."""

import base64
from typing import Any

import pytest

from services.webhook.signature import sign, signed
from tests.samples import payload

VECTORS = payload("bitbucket_cloud/hmac_vectors.json")


def body_of(vector: dict[str, Any]) -> bytes:
    """The signed bytes; those of a captured body travel in base64 as the HTTP API sends them."""
    if "body_text" in vector:
        text: str = vector["body_text"]
        return text.encode()
    event = payload("aws/http_api_v2/sam_generated_post_base64_signed_body.json")
    return base64.b64decode(event["body"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["source"])[:40])
def test_published_signatures_are_told_from_forged_ones(vector: dict[str, Any]) -> None:
    assert signed(body_of(vector), vector["secret"], vector["value"]) is vector["valid"]


def test_what_is_signed_here_is_what_is_accepted_here() -> None:
    assert signed(b"body", "secret", sign(b"body", "secret"))
    assert not signed(b"body ", "secret", sign(b"body", "secret"))
    assert not signed(b"body", "Secret", sign(b"body", "secret"))


@pytest.mark.parametrize(
    "header",
    ["", "sha256=", "sha1=abc", "abc", "\u00e9", "\ud800", "sha256=" + "0" * 64, "0" * 100_000],
)
def test_a_malformed_signature_is_a_wrong_one(header: str) -> None:
    assert not signed(b"body", "secret", header)


def test_the_bare_digest_without_its_scheme_is_no_signature() -> None:
    assert not signed(b"body", "secret", sign(b"body", "secret").removeprefix("sha256="))
