"""The command ``passbackd``: a module a family of subcommands."""

from daemon.cli.app import main

__all__ = ["main"]
