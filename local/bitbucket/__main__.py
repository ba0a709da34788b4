"""`python -m local.bitbucket --state-dir DIR`: run the stand-in until it is told to end."""

import fcntl
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from local.bitbucket.server import Server

TOKEN_VARIABLE = "STAND_IN_TOKEN"  # noqa: S105  # the variable's name


@click.command()
@click.option(
    "--state-dir",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where repositories, webhooks, statuses, comments and files are kept.",
)
@click.option("--port", default=0, show_default="any free one", help="On 127.0.0.1.")
@click.option("--page-host", default="127.0.0.1", show_default=True, help="The host in links.")
def main(state_dir: Path, port: int, page_host: str) -> None:
    """Serve a Bitbucket stand-in on 127.0.0.1; its token comes from STAND_IN_TOKEN."""
    # Taken out of the environment: no program that the stand-in starts has a use for it.
    token = os.environ.pop(TOKEN_VARIABLE, "")
    if not token:
        raise click.UsageError(f"set {TOKEN_VARIABLE} to the token that clients will show")
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr
    )
    os.umask(0o077)
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise click.UsageError(f"another stand-in is running in {state_dir}") from error
        ended = threading.Event()

        def end(_number: int, _frame: FrameType | None) -> None:
            ended.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        with Server(state_dir.resolve(), token, port=port, page_host=page_host) as server:
            click.echo(json.dumps({"port": server.port}))
            ended.wait()


if __name__ == "__main__":
    main()
