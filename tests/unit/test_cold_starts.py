"""What a function leaves for later, or leaves out, while it loads."""

import gc
from collections.abc import Iterator

import pytest

from shared.aws import Clients
from shared.entry import Handler, entry, start_loading


@pytest.fixture(autouse=True)
def garbage_is_collected_again() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


def test_a_late_client_is_made_at_its_first_call_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class Client:
        def __init__(self, service: str) -> None:
            made.append(service)

        def call(self) -> str:
            return "answer"

    clients = Clients("eu-west-1")
    monkeypatch.setattr(clients, "make", Client)
    late = clients.make_late("sqs")

    assert made == []
    assert (late.call(), late.call()) == ("answer", "answer")
    assert made == ["sqs"]


def test_in_lambda_no_garbage_is_searched_for_until_the_function_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "parser")
    while_built = []

    def build() -> Handler:
        while_built.append(gc.isenabled())
        return lambda *_: {}

    start_loading()
    entry(build)

    assert while_built == [False]
    assert gc.isenabled()


def test_elsewhere_loading_leaves_the_garbage_collector_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    start_loading()

    assert gc.isenabled()
