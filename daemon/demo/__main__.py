"""
``python -m daemon.demo``: the sample campus alone, to try passbackd by hand.

It knows one consumer key, verifies every request as a campus does, and prints each grade that it takes.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from daemon.demo.campus import Campus

#: Seconds between two looks at what came in.
GLANCE = 0.1


def main(
    port: Annotated[int, typer.Option(help="Where it listens on 127.0.0.1.")] = 8765,
    key: Annotated[str, typer.Option(help="The consumer key that it knows.")] = "example",
    secret: Annotated[str, typer.Option(help="The secret of that key.")] = "a-secret-for-trying",  # noqa: S107 - of a toy
) -> None:
    """Serve until Ctrl-C."""
    try:
        asyncio.run(_serve(port, key, secret))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        typer.echo(f"port {port} cannot be listened on ({error.strerror}): choose another with --port", err=True)
        raise typer.Exit(1) from None


async def _serve(port: int, key: str, secret: str) -> None:
    campus = Campus(key, secret, enrolled=None, busy_every=0)
    async with campus.serving(port) as url:
        typer.echo(f"a sample campus takes grades at {url}")
        seen = refused = 0
        while True:
            for received in campus.received[seen:]:
                typer.echo(f"sourcedid {received.sourcedid}: score {received.score}")
            for refusal in campus.refusals[refused:]:
                typer.echo(f"refused: {refusal}")
            seen, refused = len(campus.received), len(campus.refusals)
            await asyncio.sleep(GLANCE)


if __name__ == "__main__":
    typer.run(main)
