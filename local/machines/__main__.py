"""The endpoint as a program: `python -m local.machines --state-dir DIR --aws-endpoint-url URL …`.

Prints one JSON line when it is ready, {"port": N}; its log goes to standard error. SIGTERM and
SIGINT end the machines' processes, then the endpoint.
"""

import logging
import sys
from pathlib import Path

import click

from local.machines.endpoint import Settings, running
from local.part import log_to_stderr, run


@click.command(name="python -m local.machines")
@click.option(
    "--state-dir",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the disks of machines are kept.",
)
@click.option("--aws-endpoint-url", required=True, help="The emulator.")
@click.option("--batch-endpoint-url", required=True, help="The local Batch endpoint.")
@click.option("--port", default=0, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--job-path", default="", help="Directories put before the system's PATH of machines."
)
@click.option(
    "--python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=sys.executable,
    help="What machines know as python3; it should be able to import boto3.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=90.0,
    show_default=True,
    help="How many seconds a machine may take to shut down.",
)
def main(
    *,
    state_dir: Path,
    aws_endpoint_url: str,
    batch_endpoint_url: str,
    port: int,
    job_path: str,
    python: Path,
    grace: float,
) -> None:
    """Speak EC2, Systems Manager and Pricing on 127.0.0.1; machines are directories."""
    log_to_stderr(("werkzeug", "botocore", "urllib3"), logging.ERROR)
    settings = Settings(
        state_dir=state_dir.resolve(),
        aws_endpoint_url=aws_endpoint_url,
        batch_endpoint_url=batch_endpoint_url,
        job_path=job_path,
        python=python.absolute(),
        grace=grace,
        port=port,
    )
    try:
        run(running(settings))
    except OSError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
