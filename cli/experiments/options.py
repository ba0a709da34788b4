"""Options and arguments that the commands share."""

import click

from cli.typed import FullName

names_argument = click.argument("names", nargs=-1, metavar="[NAME]...")
remote_option = click.option(
    "--remote",
    default="origin",
    show_default=True,
    metavar="NAME",
    help="The git remote at Bitbucket.",
)
repository_option = click.option(
    "--repository",
    type=FullName(),
    metavar="WORKSPACE/SLUG",
    help="The repository at Bitbucket, if the remote's address does not tell.",
)
everything_option = click.option(
    "--all", "everything", is_flag=True, help="Those on every commit, not on HEAD alone."
)
json_option = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
