"""Which requests a fault of the stand-in meets, and how often."""

import pytest

from local.bitbucket.answers import Refused
from local.bitbucket.faults import Faults, read_fault

PATH = "/2.0/repositories/acme/x"


def test_a_fault_meets_its_method_and_prefix_only() -> None:
    faults = Faults()
    faults.add(read_fault({"status": 500, "method": "POST", "path_prefix": PATH}))

    assert faults.take("GET", PATH) is None
    assert faults.take("POST", "/2.0/repositories/other/x") is None
    assert faults.take("POST", f"{PATH}/hooks") is not None


def test_faults_that_overlap_are_used_up_one_after_the_other() -> None:
    faults = Faults()
    faults.add(read_fault({"status": 429, "count": 1}))
    faults.add(read_fault({"status": 503, "count": 2}))

    met = [faults.take("GET", PATH) for _ in range(4)]

    assert [fault and fault.status for fault in met] == [429, 503, 503, None]
    assert [(one["injected"], one["in_force"]) for one in faults.listing()] == [
        (1, False),
        (2, False),
    ]


def test_a_fault_of_no_seconds_is_over_at_once() -> None:
    faults = Faults()
    faults.add(read_fault({"status": 429, "seconds": 0}))

    assert faults.take("GET", PATH) is None


@pytest.mark.parametrize("path", ["/acme/x.git/info/refs", "/site/oauth2/access_token", "/"])
def test_without_a_prefix_only_the_rest_api_is_met(path: str) -> None:
    faults = Faults()
    faults.add(read_fault({"status": 429}))

    assert faults.take("GET", path) is None


@pytest.mark.parametrize("path", ["/acme/x.git/info/refs", "/2.0/repositories/acme/x", "/"])
def test_with_a_prefix_of_one_slash_everything_is_met(path: str) -> None:
    faults = Faults()
    faults.add(read_fault({"closed": True, "path_prefix": "/"}))

    assert faults.take("GET", path) is not None


@pytest.mark.parametrize("sent", [{}, {"closed": True, "status": 503}])
def test_a_fault_has_one_answer_or_none(sent: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        read_fault(sent)

    assert caught.value.status == 400


def test_a_delay_alone_lets_the_real_answer_through() -> None:
    assert read_fault({"delay_seconds": 1.5}).answer() is None
