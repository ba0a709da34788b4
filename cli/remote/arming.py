"""The watchdog of a machine: it is heard of before a machine counts as made or as taken over."""

from datetime import datetime
from typing import Any, Final

import click

from cli.remote.agent_calls import Agent, AgentRefused, Checked
from cli.remote.waiting import Waiting

# A machine that can be reached still runs its user data for a moment.
_BOOT_SECONDS: Final = 120


def see_watchdog(
    agent: Agent, terms: dict[str, Any], waiting: Waiting, seconds: float
) -> datetime | None:
    """When a machine that has just been made ends at the latest, by its own watchdog.

    Its user data starts the watchdog. Where that has not come to it, it is started from here.

    Raises:
        click.ClickException: it has no watchdog; the text says why.

    """

    def watched() -> Checked | None:
        try:
            checked = agent.check()
        except click.ClickException:
            # There is no agent yet, or the machine is busy booting.
            return None
        return checked if checked.watchdog else None

    found = waiting.until(watched, min(seconds, _BOOT_SECONDS))
    if found is not None:
        # A boot has the part of the agent that there is room for in user data.
        agent.install()
        return found.ends_at
    click.echo("note: its user data has started no watchdog: it is started from here", err=True)
    return arm(agent, terms)


def arm(agent: Agent, terms: dict[str, Any]) -> datetime | None:
    """Put the agent on a machine and start its watchdog anew; when it ends at the latest.

    Raises:
        click.ClickException: it has no watchdog, or none that these terms hold for.

    """
    agent.install()
    return agent.arm(terms).ends_at


def look(agent: Agent) -> Checked | None:
    """How a machine is that may have our agent; None: nobody has put it there yet.

    Raises:
        click.ClickException: it cannot be reached.

    """
    try:
        return agent.check()
    except AgentRefused:
        return None
