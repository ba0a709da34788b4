"""What is read of Secrets Manager where there is no secret, or no longer one."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.secrets import Secrets
from tests.fakes import SecretTexts, refusal


class Refusing(SecretTexts):
    """Refuses to read one secret."""

    def __init__(self, name: str, code: str, **texts: str) -> None:
        super().__init__(**texts)
        self._name = name
        self._code = code

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """The text of any other."""
        if SecretId == self._name:
            raise refusal(self._code, 400, "GetSecretValue")
        return super().get_secret_value(SecretId)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidRequestException"])
def test_a_secret_that_does_not_exist_or_is_marked_for_deletion_is_none(code: str) -> None:
    secrets = Secrets(Refusing("bitbucket-auth/churn", code, **{"bitbucket-auth": "shared"}))

    assert secrets.get("bitbucket-auth/churn") is None
    assert secrets.renew("bitbucket-auth/churn") is None
    assert secrets.get("bitbucket-auth") == "shared"


def test_a_secret_that_may_not_be_read_is_an_error() -> None:
    with pytest.raises(ClientError):
        Secrets(Refusing("mine", "AccessDeniedException")).get("mine")
