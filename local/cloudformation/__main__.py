"""The front as a program: `python -m local.cloudformation --aws-endpoint-url URL ...`.

Prints one JSON line when it is ready, {"port": N}; its log goes to standard error. SIGTERM and
SIGINT end it.
"""

import logging

import click

from local.cloudformation.front import Settings, running
from local.part import log_to_stderr, run


@click.command(name="python -m local.cloudformation")
@click.option("--aws-endpoint-url", required=True, help="The emulator.")
@click.option("--batch-endpoint-url", required=True, help="The local Batch endpoint.")
@click.option("--api-endpoint-url", required=True, help="Where HTTP APIs answer.")
@click.option("--port", default=0, help="Port on 127.0.0.1; 0 takes a free one.")
def main(aws_endpoint_url: str, batch_endpoint_url: str, api_endpoint_url: str, port: int) -> None:
    """Speak CloudFormation on 127.0.0.1: the emulator's, and what it lacks."""
    log_to_stderr(("werkzeug", "botocore", "samtranslator", "urllib3"), logging.ERROR)
    run(running(Settings(aws_endpoint_url, batch_endpoint_url, api_endpoint_url, port)))


if __name__ == "__main__":
    main()
