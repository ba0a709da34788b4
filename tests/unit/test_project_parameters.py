"""Which values a project's parameters get."""

import click
import pytest

from cli.account import Deployed
from cli.project.names import project
from cli.project.parameters import MOST_VARIABLES, choose, declared, derived, template
from shared.names import Names

NAMES = Names("acme", "testing")
OUTPUTS = (
    "BitbucketApiUrl", "BitbucketGitUrl", "CacheDirectory", "DataBucket", "JobLogGroup",
    "KeywordPrefix", "ProgramDirectory", "ProjectBoundaryArn",
)  # fmt: skip  # what the root stack gives
ROOT = Deployed("root", {"StopSeconds": "60"}, {name: f"the {name}" for name in OUTPUTS})


def all_derived(variables: tuple[str, ...] = ()) -> dict[str, str]:
    return derived(
        project(NAMES, "acme/churn.model"),
        ROOT,
        auth_secret_arn="arn:auth",
        variables_secret_arn="arn:variables",
        variables=variables,
        existing_repository=True,
    )


def test_every_parameter_is_derived_or_has_a_default() -> None:
    parameters = declared(template())

    assert {name for name, default in parameters.items() if default is None} <= set(all_derived())
    assert set(all_derived()) <= set(parameters)


def test_what_follows_from_the_stack_and_the_repository() -> None:
    found = all_derived(("WANDB_API_KEY", "HF_TOKEN"))

    assert found["JobDefinitionName"] == NAMES.job_definition("churn.model")
    assert found["ImageRepository"] == "acme/churn.model"
    assert found["ExistingRepository"] == "true"
    assert found["StopSeconds"] == "60"
    assert [found[f"Secret{number}"] for number in (1, 2, 3)] == ["HF_TOKEN", "WANDB_API_KEY", ""]


def test_there_are_as_many_places_for_variables_as_in_the_template() -> None:
    places = [name for name in declared(template()) if name.startswith("Secret")]
    names = tuple(f"V{number}" for number in range(MOST_VARIABLES))

    assert len(places) - len({"SecretsArn"}) == MOST_VARIABLES
    assert all_derived(names)[f"Secret{MOST_VARIABLES}"]
    with pytest.raises(click.ClickException, match=f"{MOST_VARIABLES} variables"):
        all_derived((*names, "ONE_MORE"))


def test_what_was_chosen_before_stays_until_something_else_is_given() -> None:
    known = {"Vcpus": "2", "Image": "", "Workspace": None}
    fixed = {"Workspace": "acme"}

    first = choose(known, fixed, {"Vcpus": "4"}, {})
    second = choose(known, fixed, {}, first)
    third = choose(known, {"Workspace": "acme"}, {"Vcpus": "8"}, second)

    assert first == second == {"Vcpus": "4", "Image": "", "Workspace": "acme"}
    assert third["Vcpus"] == "8"


def test_a_parameter_that_there_is_not_is_answered_with_the_nearest() -> None:
    with pytest.raises(click.ClickException, match=r"no parameter Vcpu: Vcpus\?"):
        choose({"Vcpus": "2"}, {}, {"Vcpu": "4"}, {})


def test_a_parameter_that_follows_from_the_repository_is_not_to_be_given() -> None:
    with pytest.raises(click.ClickException, match="not to be given"):
        choose({"Workspace": None}, {"Workspace": "acme"}, {"Workspace": "other"}, {})


@pytest.mark.parametrize("text", ["churn", "acme/", "/churn", "acme/churn/x", "acme/ch urn", ""])
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="WORKSPACE/SLUG"):
        project(NAMES, text)
