"""The subcommands, as the command line itself lists them."""

import typer

from daemon.cli.app import app


def commands() -> dict[str, list[str]]:
    """Every subcommand by its name, with its options."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():
        below = getattr(command, "commands", None)
        for path, leaf in {f"{name} {one}": two for one, two in below.items()}.items() if below else [(name, command)]:
            found[path] = [option for parameter in leaf.params for option in parameter.opts]
    return found
