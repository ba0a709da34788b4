"""To which repositories of Bitbucket's a job's login goes, and what is said of the others."""

import pytest

from container.exits import Exit, JobFailed
from container.lending import ALL, Lending, Loan
from container.settings import Settings

ALONE = Lending("https://bitbucket.org", "team/churn", ())
LISTED = Lending("https://bitbucket.org", "team/churn", ("team/features", "other/words"))


@pytest.mark.parametrize("path", ["team/churn.git", "team/churn", "team/churn.git/info/lfs"])
def test_the_login_goes_to_the_jobs_own_repository(path: str) -> None:
    assert ALONE.covers(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "team",
        "team/churn2.git",
        "team/churn.git/../features.git",
        "team/churn.git/features.git",
        "team/features.git",
        "Team/churn.git",
        "other/churn.git",
        "x/team/churn.git",
    ],
)
def test_the_login_goes_to_nothing_that_is_only_like_it(path: str) -> None:
    assert not ALONE.covers(path)


def test_the_login_goes_to_what_is_listed_and_to_all_where_that_was_chosen() -> None:
    everything = Lending("https://bitbucket.org", "team/churn", (ALL,))

    assert LISTED.covers("other/words.git")
    assert LISTED.covers("team/features/info/lfs")
    assert not LISTED.covers("team/words.git")
    assert everything.covers("team/words.git")


def test_a_server_in_a_folder_has_repositories_in_that_folder_alone() -> None:
    lending = Lending("http://127.0.0.1:4242/git", "team/a b", ())

    assert lending.path("http://127.0.0.1:4242/git/team/a%20b.git") == "git/team/a b.git"
    assert lending.covers("git/team/a b.git")
    assert not lending.covers("team/a b.git")


@pytest.mark.parametrize(
    "url",
    [
        "https://bitbucket.org.example.com/team/churn.git",
        "http://bitbucket.org/team/churn.git",
        "https://bitbucket.org:8443/team/churn.git",
        "https://bitbucket.org/team/churn.git?x=/team/features.git",
        "ssh://git@bitbucket.org/team/churn.git",
        "/team/churn.git",
    ],
)
def test_another_server_has_no_path_of_bitbuckets(url: str) -> None:
    assert ALONE.path(url) is None


def test_a_user_in_a_url_makes_it_no_other_servers() -> None:
    assert ALONE.path("https://someone@bitbucket.org/team/churn.git") == "team/churn.git"


def test_the_advice_is_the_whole_command() -> None:
    assert LISTED.advice("team/new.git") == (
        "team/new wants a login, and jobs of team/churn lend theirs to no other repository: make "
        "it public, or allow it with `cloud-runner project add team/churn --submodule "
        "team/features --submodule other/words --submodule team/new`; then rerun"
    )
    assert "--submodule team/new`" in ALONE.advice("Team/New.git/info/lfs")


def test_a_name_in_other_letters_is_told_from_one_that_is_not_allowed() -> None:
    assert ALONE.advice("Team/Churn.git") == (
        "'Team/Churn.git' is known in small letters: write it so in .gitmodules or .lfsconfig"
    )


@pytest.mark.parametrize("path", ["", "team", "team/a.git/../b.git", "https://evil.example/x"])
def test_what_is_no_repository_is_advised_to_be_mended_and_not_to_be_allowed(path: str) -> None:
    advice = ALONE.advice(path)

    assert "no address of a repository" in advice
    assert "--submodule" not in advice


def test_no_name_becomes_more_than_one_word_of_the_command() -> None:
    assert "--submodule 'team/$(id);`x`'" in ALONE.advice("team/$(id);`x`.git")


def test_nothing_that_was_not_lent_was_refused() -> None:
    assert Loan().refused() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), ("*", ("*",)), ("team/a", ("team/a",)), ("team/a.b,o-2/_c", ("team/a.b", "o-2/_c"))],
)
def test_the_job_definition_tells_the_submodules(text: str, expected: tuple[str, ...]) -> None:
    assert Settings.read({"CLOUD_RUNNER_SUBMODULES": text}).submodules == expected


@pytest.mark.parametrize("text", [",", "team", "team/a,*", "*,team/a", "team/a|b", "team/*", "/a"])
def test_other_lists_of_submodules_are_refused_in_words(text: str) -> None:
    with pytest.raises(JobFailed, match="reading CLOUD_RUNNER_SUBMODULES") as failed:
        Settings.read({"CLOUD_RUNNER_SUBMODULES": text})

    assert failed.value.code == Exit.BAD_ARGUMENTS
