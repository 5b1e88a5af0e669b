"""Which certificates of campuses are trusted: as :func:`actors.sender.http_session` has it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """
    The system's authorities, and those of *ca_file*.

    Raises:
        OSError: *ca_file* cannot be read, or (as ``ssl.SSLError``) holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
