"""HTTP on this machine alone, for the sample campuses."""

import ssl
from abc import ABC, abstractmethod
from typing import Self

from aiohttp import web

_HOST = "127.0.0.1"


class SampleServer(ABC):
    """
    Serves while its context is open.

    Args:
        tls: Serves https with this context.
        port: 0 lets the system choose.
    """

    def __init__(self, tls: ssl.SSLContext | None, port: int) -> None:
        self.port = port
        self._tls = tls

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://{_HOST}:{self.port}"

    @abstractmethod
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take one request through all steps."""

    async def __aenter__(self) -> Self:
        # Without an application's router, which costs more than all that is done here.
        self._runner = web.ServerRunner(web.Server(self.handle, access_log=None), shutdown_timeout=0.2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, _HOST, self.port, ssl_context=self._tls).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
