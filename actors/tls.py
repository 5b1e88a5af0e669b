"""Which certificates of campuses are trusted, and by which TLS they are spoken to. Verification is never off."""

import ssl
from pathlib import Path
from typing import Literal, get_args

#: The oldest version of TLS that is spoken.
MinimumTls = Literal["1.2", "1.3"]
MINIMUMS: tuple[MinimumTls, ...] = get_args(MinimumTls)

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def trust(ca_file: Path | str | None = None, minimum: MinimumTls = "1.2") -> ssl.SSLContext:
    """
    The system's authorities, and those of *ca_file* (PEM).

    Raises:
        OSError: *ca_file* cannot be read, or (as ``ssl.SSLError``) holds no certificate.
    """
    context = ssl.create_default_context()
    context.minimum_version = _VERSIONS[minimum]
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
