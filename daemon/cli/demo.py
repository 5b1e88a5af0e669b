"""``demo``: the main job, played through on this machine."""

import typer

from daemon.cli.options import ConfigOption
from daemon.demo import run_demo


def play_demo(config: ConfigOption = None) -> None:
    """Pass grades back to sample campuses and compare their gradebooks. Example: passbackd demo"""
    del config  # taken as everywhere, and not needed: the demo writes its own
    raise typer.Exit(run_demo())
