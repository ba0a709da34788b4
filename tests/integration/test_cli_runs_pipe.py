"""What happens to the command when nobody reads its output any more."""

import subprocess
import sys


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    script = f"{sys.executable} -m cli runs submit --help | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=300, check=True
    )

    assert done.stdout.splitlines()[0].startswith("Usage:")
    assert done.stderr == ""


def test_every_shell_gets_its_completion_script() -> None:
    said = {
        shell: subprocess.run(
            [sys.executable, "-m", "cli", "completion", shell],
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        ).stdout
        for shell in ("bash", "zsh", "fish")
    }

    assert all("_CLOUD_RUNNER_COMPLETE" in script for script in said.values())
    assert "complete -o nosort -F" in said["bash"]
    assert "#compdef cloud-runner" in said["zsh"]
    assert "--command cloud-runner" in said["fish"]
