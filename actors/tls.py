"""Which certificates of campuses are trusted, and which versions of TLS. Verification is never off."""

import ssl
from pathlib import Path
from typing import Literal

#: The oldest version of TLS that is spoken.
MinimumTls = Literal["1.2", "1.3"]


def trust(ca_file: Path | str | None = None, minimum: MinimumTls = "1.2") -> ssl.SSLContext:
    """
    The system's authorities, and those of *ca_file* (PEM).

    Raises:
        OSError: *ca_file* cannot be read, or (as ``ssl.SSLError``) holds no certificate.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2 if minimum == "1.2" else ssl.TLSVersion.TLSv1_3
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
