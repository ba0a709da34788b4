"""bandit over what is shipped, with the checks that ruff does not have: .ci/bandit.yaml."""

from tests.audit.tools import SETTINGS, ask

PARTS = ("cli", "container", "examples", "local", "services", "shared")
# What bandit ends with where it has found something; whatever else is no answer.
_FOUND = 1


def findings() -> list[str]:
    """What bandit finds, as it says it; none where the code is clean.

    Raises:
        RuntimeError: bandit did not look.

    """
    done = ask("bandit", "--quiet", "--configfile", SETTINGS / "bandit.yaml", "--recursive", *PARTS)
    if done.returncode not in (0, _FOUND) or "ERROR" in done.stderr:
        message = f"bandit did not look: {done.stderr.strip()}"
        raise RuntimeError(message)
    return [done.stdout.strip()] if done.returncode == _FOUND else []
