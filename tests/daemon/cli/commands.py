"""The subcommands, as the command line itself lists them."""

import typer

from daemon.cli.app import app


def commands() -> dict[str, list[str]]:
    """Every subcommand by its name, with its options."""
    return _below(typer.main.get_command(app))


def _below(group) -> dict[str, list[str]]:
    found = {}
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            found |= {f"{name} {one}": options for one, options in _below(command).items()}
        else:
            found[name] = [option for parameter in command.params for option in parameter.opts]
    return found
