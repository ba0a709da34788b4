"""What `cloud-runner local` says of a build and of a stack that it cannot work with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cli import local_env
from tests.fakes import refusal


def test_a_build_of_an_older_template_is_said() -> None:
    built: Mapping[str, Any] = {"Parameters": {}, "Globals": {"Function": {}}, "Resources": {}}

    with pytest.raises(click.ClickException, match="from an older template: run make build"):
        local_env.template_for_invoke(built, Path("built"), ["AWS_REGION"])


def test_a_stack_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        """An account without the stack."""

        def describe_stack_resources(self, **_: str) -> None:
            raise refusal("ValidationError", 400, "DescribeStackResources")

    monkeypatch.setattr("cli.local_env.aws.client", lambda *_: Gone())
    monkeypatch.setattr(local_env, "BUILT", tmp_path)
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps({"environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}}))

    done = CliRunner().invoke(local_env.env, ["--ready-file", str(ready)])

    assert done.exit_code == 1
    assert "is cloud-runner local up running?" in done.output
