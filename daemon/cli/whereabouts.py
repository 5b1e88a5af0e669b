"""Which configuration and which database a command speaks of, and whether that database is there."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from daemon.cli.screen import say
from daemon.config import Config, find_config_file
from models.db.database import sqlite_path


def whereabouts(given: Path | None, config: Config) -> dict[str, str]:
    """The config file and the database, by ``configuration`` and ``database``."""
    file = find_config_file(given, Path.cwd())
    source = "no file: defaults and environment" if file is None else str(file)
    return {"configuration": source, "database": database_name(config.database.url)}


def say_whereabouts(given: Path | None, config: Config) -> None:
    """Print the two lines for people: the first of what `status`, `check` and `why` print."""
    for name, value in whereabouts(given, config).items():
        say(f"{name}: {value}")


def database_name(url: str) -> str:
    """The file of an SQLite database; host, port and name of one of PostgreSQL, without user and password."""
    path = sqlite_path(url)
    if path is not None:
        return f"SQLite, {path}"
    parts = urlsplit(url)
    host = parts.hostname or dict(parse_qsl(parts.query)).get("host", "127.0.0.1")
    return f"PostgreSQL, {unquote(parts.path.lstrip('/'))} on {host}{f':{parts.port}' if parts.port else ''}"
