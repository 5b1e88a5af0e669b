"""Style and script of the pages, as files of this package."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web

_TYPES = {"style.css": "text/css", "refresh.js": "text/javascript"}


@dataclass(frozen=True, slots=True)
class Assets:
    """*version*: of all of them, by their contents."""

    contents: dict[str, bytes]
    version: str

    def answer(self, name: str) -> web.Response:
        """One of them. Raises :class:`aiohttp.web.HTTPNotFound`."""
        if name not in self.contents:
            raise web.HTTPNotFound
        # Its address has its version.
        headers = {"Cache-Control": "public, max-age=86400"}
        return web.Response(body=self.contents[name], content_type=_TYPES[name], charset="utf-8", headers=headers)


def read_assets() -> Assets:
    """Read them all."""
    folder = files("daemon.pages") / "static"
    contents = {name: (folder / name).read_bytes() for name in _TYPES}
    return Assets(contents, hashlib.sha256(b"".join(contents.values())).hexdigest()[:12])
