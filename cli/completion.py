"""`cloud-runner completion`: what teaches a shell to complete the command."""

import click
from click.shell_completion import get_completion_class

from cli.examples import example

_NAME = "cloud-runner"
_VARIABLE = "_CLOUD_RUNNER_COMPLETE"


@click.command(
    epilog=example(
        "cloud-runner completion bash >> ~/.bashrc",
        "cloud-runner completion zsh >> ~/.zshrc",
        "cloud-runner completion fish > ~/.config/fish/completions/cloud-runner.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes commands, options and their values."""
    found = get_completion_class(shell)
    if found is None:
        message = f"click has no completion for {shell}"
        raise click.ClickException(message)
    command = context.find_root().command
    click.echo(found(command, {}, _NAME, _VARIABLE).source())
