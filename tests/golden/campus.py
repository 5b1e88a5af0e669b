"""A campus that notes the bytes which it gets, behind any host name and port. It knows nothing of passbackd."""

import datetime
import re
import socket
import ssl
from pathlib import Path

import aiohttp.abc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ADDRESS = "127.0.0.1"
#: Seconds for one request; loaded machines need many.
PATIENCE = 60.0
#: The host of the cases over TLS.
TLS_HOST = "campus.example"

_DONE = b"""<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">
<imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_statusInfo><imsx_codeMajor>success</imsx_codeMajor>
</imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader></imsx_POXEnvelopeResponse>
"""
_ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_DONE), _DONE)
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


def listen() -> socket.socket:
    """A socket on a port that the system chooses."""
    listener = socket.create_server((ADDRESS, 0))
    listener.settimeout(PATIENCE)
    return listener


def receive(listener: socket.socket, tls: ssl.SSLContext | None = None) -> bytes:
    """Accept one connection, answer its first request with success, and give every byte that came until its end."""
    connection, _ = listener.accept()
    connection.settimeout(PATIENCE)
    with tls.wrap_socket(connection, server_side=True) if tls else connection as wire:
        got = b""
        while not _is_whole(got):
            piece = wire.recv(65_536)
            assert piece, f"the connection ended within a request: {got!r}"
            got += piece
        wire.sendall(_ANSWER)
        while piece := wire.recv(65_536):
            got += piece
    return got


def _is_whole(got: bytes) -> bool:
    head, end, body = got.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(end) and len(body) >= int(length[1] if length else 0)


class Everywhere(aiohttp.abc.AbstractResolver):
    """Leads every host name, whatever its port, to one socket, so that URLs can stay the same in every run."""

    def __init__(self, listener: socket.socket) -> None:
        self._port = listener.getsockname()[1]

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {
                "hostname": host,
                "host": ADDRESS,
                "port": self._port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    async def close(self) -> None:
        pass


def make_certificate(folder: Path) -> Path:
    """A new certificate for :data:`TLS_HOST` and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, TLS_HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(TLS_HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "campus.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


def shows(certificate: Path) -> ssl.SSLContext:
    """What a server shows that certificate by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
