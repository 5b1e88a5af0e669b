"""
``python -m daemon.demo.platform``: the sample platform alone, to try passbackd by hand over LTI 1.3.

It knows one tool by the address of its key set, verifies every request as a campus does, and prints each score.
"""

import asyncio
from typing import Annotated

import typer

from daemon.demo.platform.kind import PlatformReply
from daemon.demo.platform.request import PlatformRequest
from daemon.demo.platform.server import SamplePlatform


def main(
    jwks_url: Annotated[str, typer.Argument(metavar="URL", help="Where the tool publishes its keys.")],
    port: Annotated[int, typer.Option(metavar="PORT", help="Where it listens on 127.0.0.1.")] = 8766,
    client_id: Annotated[str, typer.Option(metavar="ID", help="The client id of the tool.")] = "example-tool",
    line_items: Annotated[int, typer.Option(metavar="N", help="How many line items it has.", min=1)] = 1,
) -> None:
    """Serve until Ctrl-C."""
    try:
        asyncio.run(_serve(jwks_url, port, client_id, line_items))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        typer.echo(f"port {port} cannot be listened on ({error.strerror}): choose another with --port", err=True)
        raise typer.Exit(1) from None


class _PrintingPlatform(SamplePlatform):
    async def serve(self, record: PlatformRequest) -> PlatformReply:
        reply = await super().serve(record)
        if reply.status >= 400:
            typer.echo(f"refused: {record.operation}, {record.decision}")
        elif record.sent is not None:
            typer.echo(f"user {record.sent.user_id}: score {record.sent.text or 'cleared'}")
        return reply


async def _serve(jwks_url: str, port: int, client_id: str, line_items: int) -> None:
    async with _PrintingPlatform(port=port) as platform:
        platform.register(client_id, jwks_url=jwks_url)
        typer.echo(f"a sample platform, issuer {platform.issuer}, gives tokens to {client_id} at {platform.token_url}")
        for _ in range(line_items):
            typer.echo(f"line item {platform.add_line_item()}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    # Without Rich, which would show Python's types.
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
