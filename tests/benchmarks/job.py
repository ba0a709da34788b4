"""What a job costs beside its stages: time, bytes, and stages that run again after a loss."""

from tests.benchmarks import job_bytes, job_interruption, job_speed


def section() -> None:
    """Print the tables of all three."""
    job_speed.section()
    job_bytes.section()
    job_interruption.section()
