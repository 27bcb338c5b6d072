"""`completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from sallyport.cli.commands import Command

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_SALLYPORT_COMPLETE"
"""What click looks at, by the program's name."""


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(_SHELLS))
def completion_command(shell: str) -> None:
    """Print what lets SHELL complete `sallyport`: commands, options and their choices.

    bash and zsh: add `eval "$(sallyport completion bash)"` to ~/.bashrc or ~/.zshrc. fish: `sallyport completion fish >
    ~/.config/fish/completions/sallyport.fish`.
    """
    from sallyport.cli.main import cli

    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(cli, {}, "sallyport", _VARIABLE).source())
