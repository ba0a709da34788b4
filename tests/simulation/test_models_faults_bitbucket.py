"""What the model of Bitbucket answers, and for how long."""

from tests.samples import REPOSITORY
from tests.simulation.chosen import Chosen
from tests.simulation.models.bitbucket import GIT_URL, URL, Bitbucket

COMMITTED = (REPOSITORY.full_name, "c" * 40)
STATUSES = f"{URL}/repositories/{REPOSITORY.full_name}/commit/{COMMITTED[1]}/statuses/build"
STATUS = b'{"key": "k", "state": "FAILED", "url": "https://example.com"}'
SHOWN = {"Authorization": "Bearer t"}


def a_bitbucket(chosen: Chosen) -> Bitbucket:
    bitbucket = chosen.make(Bitbucket)
    bitbucket.commits.add(COMMITTED)
    bitbucket.tokens.add("Bearer t")
    return bitbucket


def test_a_status_takes_the_place_of_the_one_with_its_key(chosen: Chosen) -> None:
    bitbucket = a_bitbucket(chosen)
    answers = [bitbucket.request("POST", STATUSES, STATUS, SHOWN).status for _ in range(2)]

    assert answers == [201, 200]
    assert list(bitbucket.statuses) == [(*COMMITTED, "k")]
    assert len(bitbucket.history) == 2


def test_a_status_is_refused_for_its_token_its_commit_and_its_fields(chosen: Chosen) -> None:
    bitbucket = a_bitbucket(chosen)
    other = {"Authorization": "Bearer other"}

    assert bitbucket.request("POST", STATUSES, STATUS, other).status == 401
    assert bitbucket.request("POST", STATUSES.replace("c" * 40, "d"), STATUS, SHOWN).status == 404
    wrong = STATUS.replace(b"FAILED", b"LOST")
    assert bitbucket.request("POST", STATUSES, wrong, SHOWN).status == 400
    assert not bitbucket.history


def test_a_hidden_repository_and_all_that_is_in_it_is_answered_404(chosen: Chosen) -> None:
    bitbucket = a_bitbucket(chosen)
    whole = f"{URL}/repositories/{REPOSITORY.full_name}"
    assert bitbucket.request("GET", whole, None, SHOWN).status == 200

    bitbucket.hidden.add(REPOSITORY.full_name)

    assert bitbucket.request("GET", whole, None, SHOWN).status == 404
    assert bitbucket.request("POST", STATUSES, STATUS, SHOWN).status == 404
    assert not bitbucket.history


def test_a_granted_token_is_good_for_two_hours(chosen: Chosen) -> None:
    bitbucket = a_bitbucket(chosen)
    bitbucket.consumers.add("Basic b")
    asked = bitbucket.request(
        "POST", f"{GIT_URL}/site/oauth2/access_token", b"", {"Authorization": "Basic b"}
    )
    granted = {"Authorization": f"Bearer {asked.json()['access_token']}"}

    assert bitbucket.request("POST", STATUSES, STATUS, granted).status == 201
    chosen.now += asked.json()["expires_in"]
    assert bitbucket.request("POST", STATUSES, STATUS, granted).status == 401
