"""A repository joins the embedded stack with nothing of the user's own account about it."""

import json
import sys
from pathlib import Path

import pytest

from cli import local_projects
from local.layout import StackError

_PYTHON = sys.executable


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Takes Python's place: prints its arguments and its environment."""
    script = tmp_path / "python"
    script.write_text(
        f"#!{_PYTHON}\nimport json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr("cli.local_projects.sys.executable", str(script))
    return script


def test_only_the_embedded_account_is_known(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "CLOUD_RUNNER_ORGANIZATION"):
        monkeypatch.setenv(name, "mine")
    log = tmp_path / "log"
    local_projects.join("acme/a", python, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, log)
    words, environment = json.loads(log.read_text())

    assert "mine" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert words[words.index("--organization") + 1] == "acme"
    assert words[words.index("--environment") + 1] == "development"


def test_one_that_takes_too_long_is_said_with_its_log(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python.write_text(f"#!{_PYTHON}\nimport time\ntime.sleep(60)\n")
    monkeypatch.setattr(local_projects, "_SECONDS", 0.1)

    with pytest.raises(StackError, match=rf"did not end within .* see {tmp_path / 'log'}"):
        local_projects.join("acme/a", python, {}, tmp_path / "log")
