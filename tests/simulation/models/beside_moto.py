"""moto's clients beside the models, and answers of both in a form that can be compared."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.errors import Rejected, Unavailable
from tests.samples import REGION

# What botocore adds to an answer, and moto although nobody has asked for it.
_UNASKED = ("ResponseMetadata", "ConsumedCapacity")


@contextmanager
def moto_client(service: str) -> Iterator[Any]:
    """A client of moto's, in an account of its own, that tries everything once."""
    with mock_aws():
        session: Any = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
        )
        once = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        yield session.client(service, config=once)


def outcome(ask: Callable[[], Any]) -> object:
    """What is answered, or with which code or in which way it is refused."""
    try:
        answer = ask()
    except ClientError as error:
        # SQS's codes have a prefix in JSON and none in the older protocol.
        return error.response["Error"]["Code"].rpartition(".")[2]
    except (Rejected, Unavailable) as error:
        return type(error).__name__, str(error)
    if isinstance(answer, dict):
        return {name: one for name, one in answer.items() if name not in _UNASKED}
    return answer
