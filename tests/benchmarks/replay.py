"""The bare script: the very calls of a step, through boto3 and urllib3, and nothing else."""

from collections.abc import Callable, Iterable
from typing import Any

import boto3
import urllib3
from botocore import xform_name

from tests.benchmarks.chain import Call

REGION = "eu-west-1"


class Bare:
    """boto3's clients, made once as a handler's are."""

    def __init__(self) -> None:
        self._session: Any = boto3.Session(
            aws_access_key_id="bare", aws_secret_access_key="bare", region_name=REGION
        )
        self._clients: dict[str, Any] = {}
        self._http = urllib3.PoolManager(retries=False)

    def script(self, calls: Iterable[Call]) -> Callable[[], None]:
        """What makes `calls` when it is called."""
        prepared = [(self._method(call), call.parameters) for call in calls]

        def run() -> None:
            for method, parameters in prepared:
                method(**parameters)

        return run

    def _method(self, call: Call) -> Callable[..., object]:
        if call.service == "bitbucket":
            return self._http.request
        if call.service not in self._clients:
            self._clients[call.service] = self._session.client(call.service)
        method: Callable[..., object] = getattr(
            self._clients[call.service], xform_name(call.operation)
        )
        return method
