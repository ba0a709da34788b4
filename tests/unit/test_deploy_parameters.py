"""Which values the parameters of a deployment get."""

from pathlib import Path

import click
import pytest

from cli.deploy.parameters import choose, declared, written
from local.layout import PROJECT
from shared.names import Names

NAMES = Names("acme", "testing")
DEFAULTS = {"Organization": "acme", "Environment": "development", "MaxGpus": "8", "Asked": None}


def values(**sources: dict[str, str]) -> dict[str, str]:
    deployed, samconfig, given = (
        sources.get(name, {}) for name in ("deployed", "samconfig", "given")
    )
    chosen = choose(NAMES, DEFAULTS, deployed, samconfig, {"Asked": "x"} | given)
    return {name: choice.value for name, choice in chosen.items()}


def test_what_was_chosen_at_an_earlier_deployment_stays() -> None:
    assert values(deployed={"MaxGpus": "4"})["MaxGpus"] == "4"


def test_what_is_written_wins_over_what_is_deployed_and_the_command_over_both() -> None:
    deployed, samconfig = {"MaxGpus": "4"}, {"MaxGpus": "2"}

    assert values(deployed=deployed, samconfig=samconfig)["MaxGpus"] == "2"
    assert values(deployed=deployed, samconfig=samconfig, given={"MaxGpus": "1"})["MaxGpus"] == "1"


def test_the_stacks_own_name_decides_its_environment() -> None:
    assert values()["Environment"] == "testing"
    with pytest.raises(click.ClickException, match="say --organization or --environment"):
        values(samconfig={"Environment": "production"})


def test_a_parameter_that_the_template_has_no_more_is_left_out() -> None:
    assert "Gone" not in values(deployed={"Gone": "1"})


def test_a_misspelt_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(click.ClickException, match=r"the command names MaxGpu,.* MaxGpus\?"):
        values(given={"MaxGpu": "1"})


def test_a_parameter_without_any_value_is_asked_for() -> None:
    with pytest.raises(click.ClickException, match="give it, as --parameter Asked=VALUE"):
        choose(NAMES, DEFAULTS, {}, {}, {})


def test_a_change_of_a_deployed_value_is_told() -> None:
    chosen = choose(NAMES, DEFAULTS, {"MaxGpus": "4"}, {"MaxGpus": "2"}, {"Asked": "x"})

    assert chosen["MaxGpus"].is_change
    assert chosen["MaxGpus"].source == "samconfig.toml"
    assert not chosen["Asked"].is_change


@pytest.mark.parametrize("environment", ["development", "staging", "testing", "production"])
def test_samconfig_has_every_environment_and_names_parameters_that_exist(environment: str) -> None:
    defaults = declared(PROJECT / "template.yaml")
    samconfig = written(PROJECT / "samconfig.toml", environment)

    chosen = choose(Names("acme", environment), defaults, {}, samconfig, {})

    assert chosen["Environment"].value == samconfig["Environment"] == environment
    assert set(chosen) == set(defaults)


def test_overrides_in_samconfig_may_be_a_list(tmp_path: Path) -> None:
    samconfig = tmp_path / "samconfig.toml"
    samconfig.write_text(
        '[testing.deploy.parameters]\nparameter_overrides = ["MaxGpus=2", "Asked=a b"]\n'
    )

    assert written(samconfig, "testing") == {"MaxGpus": "2", "Asked": "a b"}
