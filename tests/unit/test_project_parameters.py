"""Which values a project's parameters get."""

import re

import click
import pytest

from cli.account import Deployed
from cli.project.names import project
from cli.project.parameters import (
    MOST_VARIABLES,
    Parameter,
    choose,
    declared,
    derived,
    template,
)
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
        own_credentials=False,
        variables_secret_arn="arn:variables",
        variables=variables,
        existing_repository=True,
    )


def test_every_parameter_is_derived_or_has_a_default() -> None:
    parameters = declared(template())

    assert {name for name, one in parameters.items() if one.default is None} <= set(all_derived())
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
    known = {"Vcpus": Parameter("2"), "Image": Parameter(""), "Workspace": Parameter()}
    fixed = {"Workspace": "acme"}

    first = choose(known, fixed, {"Vcpus": "4"}, {})
    second = choose(known, fixed, {}, first)
    third = choose(known, {"Workspace": "acme"}, {"Vcpus": "8"}, second)

    assert first == second == {"Vcpus": "4", "Image": "", "Workspace": "acme"}
    assert third["Vcpus"] == "8"


def test_a_parameter_that_there_is_not_is_answered_with_the_nearest() -> None:
    with pytest.raises(click.ClickException, match=r"no parameter Vcpu: Vcpus\?"):
        choose({"Vcpus": Parameter("2")}, {}, {"Vcpu": "4"}, {})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Vcpus", "0", "Vcpus cannot be '0': it has to be of the type Number, at least 1, at most"),
        ("Vcpus", "abc", "of the type Number"),
        ("Vcpus", "nan", "of the type Number"),
        ("Vcpus", "1025", "at most 1024"),
        ("Vcpus", "", "of the type Number"),
        ("ContainerUser", "0:0", "of the form [1-9]"),
        ("ExtraBucketArns", "arn:aws:s3:::good-one,bad", "of the form |arn:"),
    ],
)
def test_a_value_that_the_template_does_not_allow_is_answered_with_what_it_allows(
    name: str, value: str, said: str
) -> None:
    parameters = declared(template())

    with pytest.raises(click.ClickException, match=re.escape(said)):
        choose(parameters, all_derived(), {name: value}, {})
    with pytest.raises(click.ClickException, match=re.escape(said)):
        choose(parameters, all_derived(), {}, {name: value})


def test_one_of_the_allowed_values_is_one_of_them() -> None:
    known = {"Days": Parameter("1", {"Type": "Number", "AllowedValues": [1, 3]})}

    assert choose(known, {}, {"Days": "3"}, {}) == {"Days": "3"}
    with pytest.raises(click.ClickException, match="one of 1, 3"):
        choose(known, {}, {"Days": "2"}, {})


def test_what_the_template_allows_is_chosen() -> None:
    given = {"Vcpus": "4", "ExtraBucketArns": "arn:aws:s3:::one-bucket, arn:aws:s3:::another"}
    chosen = choose(declared(template()), all_derived(), given, {})

    assert {name: chosen[name] for name in given} == given


def test_a_parameter_that_follows_from_the_repository_is_not_to_be_given() -> None:
    with pytest.raises(click.ClickException, match="not to be given"):
        choose({"Workspace": Parameter()}, {"Workspace": "acme"}, {"Workspace": "other"}, {})


@pytest.mark.parametrize("text", ["churn", "acme/", "/churn", "acme/churn/x", "acme/ch urn", ""])
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="WORKSPACE/SLUG"):
        project(NAMES, text)


@pytest.mark.parametrize("given", ["team", "team/a,", "team/a team/b", "*", "team/a/b", "team/.."])
def test_submodules_are_whole_names_of_repositories(given: str) -> None:
    with pytest.raises(click.ClickException, match="Submodules cannot be"):
        declared(template())["Submodules"].check("Submodules", given)


def test_submodules_may_be_of_several_workspaces() -> None:
    declared(template())["Submodules"].check("Submodules", "team/a.b,other-team/_c")
