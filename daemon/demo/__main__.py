"""
``python -m daemon.demo``: the sample campus alone, to try passbackd by hand.

It knows one consumer key, verifies every request as a campus does, and prints each grade that it takes.
"""

import asyncio
from typing import Annotated

import typer

from daemon.demo.lms.answer import Answer
from daemon.demo.lms.request import RequestRecord
from daemon.demo.lms.server import SERVICE, Lms


def main(
    port: Annotated[int, typer.Option(metavar="PORT", help="Where it listens on 127.0.0.1.")] = 8765,
    key: Annotated[str, typer.Option(metavar="KEY", help="The consumer key that it knows.")] = "example",
    secret: Annotated[str, typer.Option(metavar="SECRET", help="The secret of that key.")] = "a-secret-for-trying",  # noqa: S107 - of a toy
) -> None:
    """Serve until Ctrl-C."""
    try:
        asyncio.run(_serve(port, key, secret))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        typer.echo(f"port {port} cannot be listened on ({error.strerror}): choose another with --port", err=True)
        raise typer.Exit(1) from None


class _PrintingLms(Lms):
    def decide(self, record: RequestRecord) -> Answer:
        if record.faults:
            typer.echo(f"refused: {record.faults[0].text}")
        elif record.deletes:
            typer.echo(f"sourcedid {record.sourcedid}: score taken back")
        elif not record.reads:
            typer.echo(f"sourcedid {record.sourcedid}: score {record.score}")
        return super().decide(record)


async def _serve(port: int, key: str, secret: str) -> None:
    async with _PrintingLms({key: secret}, port=port) as lms:
        typer.echo(f"a sample campus takes grades at {lms.url(SERVICE)}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    # Without Rich, which would show Python's types.
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
