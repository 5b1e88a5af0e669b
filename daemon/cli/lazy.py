"""Subcommands whose modules are imported once they are called, or listed by the help: a command starts quickly."""

import gc
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.main import get_command, get_group

from daemon.cli.plain_help import PlainCommand, PlainGroup

#: Each subcommand's module in this package, and the name there of its function, or of its app if it has subcommands.
SUBCOMMANDS = {
    "run": ("server", "start_daemon"),
    "check": ("server", "check_setup"),
    "config": ("server", "show_config"),
    "migrate": ("server", "migrate_schema"),
    "status": ("status", "show_status"),
    "actions": ("actions", "list_actions"),
    "web": ("web", "app"),
    "demo": ("demo", "play_demo"),
    "consumer": ("consumer", "app"),
    "platform": ("platform", "app"),
    "keys": ("keys", "app"),
    "secrets": ("secrets", "app"),
    "feed": ("feed", "feed_events"),
    "import": ("import_openedx", "app"),
    "quarantine": ("quarantine", "app"),
    "why": ("why", "explain_grades"),
    "parked": ("parked", "list_parked"),
    "resend": ("resend", "resend_grades"),
    "reconcile": ("reconcile", "reconcile_campuses"),
    "baseline": ("baseline", "take_over_grades"),
}

#: The headings of the help, and the commands under each.
_PANELS = {
    "The daemon": ("run", "check", "config", "migrate", "status", "actions", "web", "demo"),
    "Grades": ("why", "parked", "resend", "reconcile", "baseline"),
    "Events": ("feed", "import", "quarantine"),
    "Campuses": ("consumer", "platform", "keys", "secrets"),
}
_PANEL_OF = {name: panel for panel, names in _PANELS.items() for name in names}


class _Commands(Mapping[str, Any]):
    """Typer's commands by their names, each made when it is asked for."""

    def __iter__(self) -> Iterator[str]:
        return iter(SUBCOMMANDS)

    def __len__(self) -> int:
        return len(SUBCOMMANDS)

    def __getitem__(self, name: str) -> Any:
        module, attribute = SUBCOMMANDS[name]
        found = getattr(import_module(f"daemon.cli.{module}"), attribute)
        gc.enable()
        if isinstance(found, typer.Typer):
            _make_plain(found)
            command: Any = get_group(found)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(name, cls=PlainCommand)(found)
            command = get_command(alone)
        command.name = name
        command.rich_help_panel = _PANEL_OF[name]
        return command


def _make_plain(group: typer.Typer) -> None:
    """Have a group, and all below it, show its help as the others do."""
    group.info.cls = PlainGroup
    for registered in group.registered_commands:
        registered.cls = PlainCommand
    for below in group.registered_groups:
        below.cls = PlainGroup
        if below.typer_instance is not None:
            _make_plain(below.typer_instance)


class LazyGroup(PlainGroup):
    """The group of :data:`SUBCOMMANDS`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Any]", _Commands())
