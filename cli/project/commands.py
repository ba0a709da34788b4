"""The group `project`."""

import click

from cli.examples import example
from cli.project.adding import add
from cli.project.removing import remove
from cli.project.showing import list_projects, show


@click.group(epilog=example("cloud-runner project add my-team/churn --dry-run"))
def project() -> None:
    """Add a repository to an environment, look at it, remove it.

    A project is a Bitbucket repository whose commits may run jobs: it has a stack of its own with
    the job definition and the place of its image, credentials for Bitbucket, and a webhook.
    """


for one in (add, list_projects, show, remove):
    project.add_command(one)
