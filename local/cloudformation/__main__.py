"""The front as a program: `python -m local.cloudformation --aws-endpoint-url URL ...`.

Prints one JSON line when it is ready, {"port": N}; its log goes to standard error. SIGTERM and
SIGINT end it.
"""

import json
import logging
import signal
import threading

import click

from local.cloudformation.front import Settings, running


@click.command(name="python -m local.cloudformation")
@click.option("--aws-endpoint-url", required=True, help="The emulator.")
@click.option("--batch-endpoint-url", required=True, help="The local Batch endpoint.")
@click.option("--port", default=0, help="Port on 127.0.0.1; 0 takes a free one.")
def main(aws_endpoint_url: str, batch_endpoint_url: str, port: int) -> None:
    """Speak CloudFormation on 127.0.0.1: the emulator's, and what it lacks."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for chatty in ("werkzeug", "botocore", "samtranslator", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    asked_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_end.set())
    with running(Settings(aws_endpoint_url, batch_endpoint_url, port)) as answering_on:
        click.echo(json.dumps({"port": answering_on}))
        asked_to_end.wait()


if __name__ == "__main__":
    main()
