"""``secrets``: the keys that encrypt consumer secrets in the database."""

import typer

from daemon.cli.common import WRONG, ConfigOption, asynchronous, database_of, fail
from models.encryption import UndecryptableError, new_key
from models.secrets import re_encrypt

app = typer.Typer(help="The keys that encrypt consumer secrets in the database.", no_args_is_help=True)


@app.command("key")
def make_key(config: ConfigOption = None) -> None:
    """Make a key, for the first line of secrets.keys. Example: passbackd secrets key"""
    del config  # taken as everywhere, and not needed
    typer.echo(new_key())


@app.command("rotate")
@asynchronous
async def rotate_keys(config: ConfigOption = None) -> None:
    """Encrypt every secret with the newest key, so that older ones can go. Example: passbackd secrets rotate"""
    async with database_of(config) as settings:
        cipher = settings.secrets.cipher
        if not cipher.has_key:
            fail("secrets.keys: there is no key to encrypt with: `passbackd secrets key` makes one", WRONG)
        try:
            number = await re_encrypt(cipher)
        except UndecryptableError as error:
            fail(f"secrets.keys: a secret cannot be read ({error}): add the key that encrypted it", WRONG)
    typer.echo(f"{number} secrets encrypted anew with the first key; older keys are not needed any more")
