"""``secrets``: the keys that encrypt consumer secrets in the database."""

import typer

from daemon.cli.common import WRONG, fail, quiet_config, run_in_database
from daemon.cli.options import ConfigOption
from daemon.cli.record import recorded
from daemon.cli.screen import say
from daemon.infra.text import counted
from models.encryption import new_key
from models.secrets import re_encrypt

app = typer.Typer(help="The keys that encrypt consumer secrets in the database.", no_args_is_help=True)


@app.command("key")
def make_key(config: ConfigOption = None) -> None:
    """Make a key, for the first line of secrets.keys. Example: passbackd secrets key"""
    del config  # taken as everywhere, and not needed
    say(new_key())


@app.command("rotate")
def rotate_secrets(config: ConfigOption = None) -> None:
    """Encrypt every secret with the newest key, so that older ones can go. Example: passbackd secrets rotate"""
    settings = quiet_config(config)
    cipher = settings.secrets.cipher
    if not cipher.has_key:
        fail("secrets.keys: there is no key to encrypt with: `passbackd secrets key` makes one", WRONG)

    async def work() -> int:
        async with recorded("secrets rotate", {}) as counts:
            counts["secrets"] = await re_encrypt(cipher)
            return counts["secrets"]

    number = run_in_database(settings, work)
    say(f"{counted(number, 'secret')} encrypted anew with the first key; older keys are not needed any more")
