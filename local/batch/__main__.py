"""The endpoint as a program: `python -m local.batch --state-dir DIR`.

Prints one JSON line when it is ready, {"port": N}; its log goes to standard error. SIGTERM and
SIGINT end the jobs' processes, then the endpoint.
"""

import logging
import os
from pathlib import Path
from typing import Literal

import click

from local.batch.endpoint import Settings, running
from local.batch.store import StoreInUse
from local.part import log_to_stderr, run


@click.command(name="python -m local.batch")
@click.option(
    "--state-dir",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where jobs, their logs and their scratch directories are kept.",
)
@click.option("--port", default=0, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--slots",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="number of cores",
    help="How many jobs run at once.",
)
@click.option("--job-path", default="", help="Directories put before the system's PATH of jobs.")
@click.option(
    "--executor",
    type=click.Choice(["process", "podman", "docker"]),
    default="process",
    show_default=True,
    help="What runs a job: its command as a process, or its image.",
)
@click.option(
    "--time-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    envvar="BATCH_TIME_SCALE",
    show_envvar=True,
    help="How long a second of a job's timeout and grace lasts, in seconds; less than 1 in tests.",
)
@click.option("--aws-endpoint-url", envvar="AWS_ENDPOINT_URL", show_envvar=True)
@click.option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], default="eu-west-1")
@click.option("--access-key-id", envvar="AWS_ACCESS_KEY_ID", default="000000000000")
@click.option("--secret-access-key", envvar="AWS_SECRET_ACCESS_KEY", default="local")
def main(
    *,
    state_dir: Path,
    port: int,
    slots: int,
    job_path: str,
    executor: Literal["process", "podman", "docker"],
    time_scale: float,
    aws_endpoint_url: str | None,
    region: str,
    access_key_id: str,
    secret_access_key: str,
) -> None:
    """Speak AWS Batch on 127.0.0.1 and run its jobs on this machine."""
    log_to_stderr(("werkzeug", "botocore"), logging.WARNING)
    settings = Settings(
        state_dir=state_dir.resolve(),
        port=port,
        slots=slots,
        job_path=job_path,
        executor=executor,
        time_scale=time_scale,
        aws_endpoint_url=aws_endpoint_url or None,
        region=region,
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
    )
    try:
        run(running(settings))
    except (StoreInUse, OSError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
