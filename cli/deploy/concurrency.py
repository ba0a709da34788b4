"""Whether Lambda runs as many functions at once in this account as the stack may want.

All functions of an account and region share its concurrency: 1,000, and often 10 in a new account
(Lambda, "Quotas"). Whoever finds none free waits: a message on its queue, a webhook not at all.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse

from cli.account import Account

# For what no queue holds back: the webhook, whose pushes come together, and the reconciler.
_BESIDES_QUEUES = 10


def shortage(account: Account, template: Path) -> str | None:
    """What to tell a person where the account allows less; None where all is well, or unknown.

    A hint is worth no failure: who may not ask, or asks something that is not Lambda, is told
    nothing.
    """
    try:
        answer = account.client("lambda").get_account_settings()
    except (BotoCoreError, ClientError):
        return None
    there = answer.get("AccountLimit", {}).get("ConcurrentExecutions")
    wanted = _of_queues(template) + _BESIDES_QUEUES
    if there is None or there >= wanted:
        return None
    return (
        f"Lambda runs {there} functions at once in this account and region, and the stack may want "
        f"{wanted}: until it may have them, messages can wait, and pushes be answered 5xx. "
        'Ask AWS for more: docs/operations.md, "Quotas"'
    )


def _of_queues(template: Path) -> int:
    """How many functions the queues of a template keep busy at most, all of them together."""
    return sum(_most_at_once(yaml_parse(template.read_text(encoding="utf-8"))["Resources"]))


def _most_at_once(part: Any) -> Iterator[int]:
    if isinstance(part, list):
        for one in part:
            yield from _most_at_once(one)
    if isinstance(part, dict):
        for name, one in part.items():
            if name == "MaximumConcurrency":
                yield int(one)
            else:
                yield from _most_at_once(one)
