"""A campus that notes the bytes which it gets. It knows nothing of passbackd."""

import re
import socket
import ssl

ADDRESS = "127.0.0.1"
#: Seconds for one request; loaded machines need many.
PATIENCE = 60.0

_DONE = b"""<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">
<imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_statusInfo><imsx_codeMajor>success</imsx_codeMajor>
</imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader></imsx_POXEnvelopeResponse>
"""
_ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_DONE), _DONE)
#: Read here on purpose: a library that parses requests would decide which bytes are kept, and so what is compared.
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
