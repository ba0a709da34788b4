"""A part of the stack as a program: the line by which it says that it is ready, and its end.

`parts.ready_port` is who reads that line.
"""

import json
import logging
import signal
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager

import click


def log_to_stderr(chatty: Iterable[str], level: int) -> None:
    """Log what is told from INFO on; of the `chatty` libraries from `level` on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for name in chatty:
        logging.getLogger(name).setLevel(level)


def run(running: AbstractContextManager[int]) -> None:
    """Run what answers on a port until SIGTERM or SIGINT; {"port": N} is printed once it does."""
    asked_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_end.set())
    with running as answering_on:
        click.echo(json.dumps({"port": answering_on}))
        asked_to_end.wait()
