"""What is written about the settings, made from the settings: ``config.toml`` and the tables of ``configure.md``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from daemon.config.sections import Config, sections
from daemon.config.values import toml

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from daemon.config.sections import Section

#: Characters of a line of comment.
WIDTH = 118

_HEAD = """\
What passbackd can be told, each key with its default.

Every key can also be set by an environment variable (PASSBACKD_SECTION__KEY, as in PASSBACKD_REDIS__URL) or by a
credential (a file named section.key, as in redis.url, in $CREDENTIALS_DIRECTORY). The environment comes before
credentials, and these come before this file. Relative paths are seen from the folder of this file.
`passbackd config` shows what is in force and where it came from; `passbackd check` also tries the servers.

Made by `make docs` from daemon/config/sections.py, which is what to change for another default."""


def config_toml() -> str:
    """The documented file: every key with its default, below what it is for."""
    lines = ["#" if not line else f"# {line}" for line in _HEAD.split("\n")]
    for name, section in sections().items():
        lines += ["", f"[{name}]"]
        for key, info in section.model_fields.items():
            lines += [f"# {line}" for line in textwrap.wrap(info.description or "", WIDTH, break_on_hyphens=False)]
            lines.append(f"{key} = {toml(_default(info))}")
    return "\n".join(lines) + "\n"


def key_tables() -> str:
    """A table a section, in Markdown: key, default, what may be written, what it is for."""
    schema = Config.model_json_schema()["$defs"]
    return "\n".join(_table(name, section, schema[section.__name__]) for name, section in sections().items())


def _table(name: str, section: type[Section], schema: dict[str, Any]) -> str:
    lines = [f"## [{name}]", "", section.__doc__ or "", "", "| key | default | may be | |", "|---|---|---|---|"]
    for key, info in section.model_fields.items():
        default = toml(_default(info)).replace("|", "\\|")
        lines.append(f"| `{key}` | `{default}` | {_may_be(schema['properties'][key])} | {info.description} |")
    return "\n".join(lines) + "\n"


def _default(info: FieldInfo) -> object:
    return info.get_default(call_default_factory=True)


def _may_be(schema: dict[str, Any]) -> str:
    """In words, what a JSON schema allows."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    words = {
        "boolean": "`true`, `false`",
        "array": "a list of networks",
        "object": "a table",
        "integer": "a whole number",
        "number": "a number",
    }.get(schema.get("type", ""), "text")
    if "path" in str(schema):
        words = "a path"
    if "exclusiveMinimum" in schema:
        return f"{words} above {schema['exclusiveMinimum']:g}"
    if "minimum" in schema and "maximum" in schema:
        return f"{words} from {schema['minimum']:g} to {schema['maximum']:g}"
    if "minimum" in schema:
        return f"{words} from {schema['minimum']:g}"
    return words
