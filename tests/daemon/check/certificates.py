"""Self-signed certificates for ``lms.test`` and 127.0.0.1, by the ``openssl`` command."""

import ssl
import subprocess
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=lms.test")
_NAMES = "subjectAltName=DNS:lms.test,IP:127.0.0.1"

#: Only `openssl ca` takes a day in the past.
_AUTHORITY = f"""
[ca]
default_ca = here
[here]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = names
x509_extensions = extensions
[names]
commonName = supplied
[extensions]
{_NAMES.replace("=", " = ", 1)}
basicConstraints = critical,CA:TRUE
"""


def valid_for(days: int, folder: Path) -> Path:
    """A certificate and its key in one file."""
    path = folder / f"valid-{days}.pem"
    made = _openssl(folder, "req", "-x509", "-days", str(days), *_CURVE, "-addext", _NAMES, "-keyout", "-", "-out", "-")
    path.write_bytes(made)
    return path


def expired(folder: Path) -> Path:
    """One that ran out in 2020, and its key, in one file."""
    (folder / "ca.cnf").write_text(_AUTHORITY)
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")
    _openssl(folder, "req", "-new", *_CURVE, "-keyout", "key.pem", "-out", "request.pem")
    wish = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-in", "request.pem", "-out", "cert.pem")
    _openssl(folder, "ca", "-batch", "-notext", "-selfsign", "-config", "ca.cnf", "-keyfile", "key.pem", *wish)
    path = folder / "expired.pem"
    path.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return path


def served_with(path: Path) -> ssl.SSLContext:
    """What a server shows the certificate by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _openssl(folder: Path, *words: str) -> bytes:
    return subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True).stdout
