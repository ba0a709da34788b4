"""A sweep by its id, with its records and its results."""

import re

import click

from cli.account import Account
from cli.asking import reaching
from cli.requests import Requests
from cli.sweep.finding import Known, complete, find
from shared.sweep_results import SweepResults

_LEAST = 4
_ID = re.compile(r"[0-9a-f]{4,24}")


class SweepReference(click.ParamType):
    """A sweep's id or its beginning: hexadecimal digits, in any case."""

    name = "SWEEP"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The reference in lower case, or click's words for what is wrong with it."""
        text = str(value).lower()
        if not _ID.fullmatch(text):
            message = f"{value!r} is no sweep: write its id, or the first {_LEAST} or more of it"
            self.fail(message, param, ctx)
        return text


def load(account: Account, reference: str) -> tuple[Known, SweepResults]:
    """The one sweep that `reference` means, with all of its waves.

    Raises:
        click.ClickException: there is none, or more than one.

    """
    deployed = account.deployed()
    requests = Requests(account, deployed)
    with reaching("looking for a sweep"):
        known = find(requests, reference)
        bucket = deployed.output("DataBucket")
        results = SweepResults(account.client("s3"), bucket, known.place)
        return complete(requests, known, results.waves()), results
