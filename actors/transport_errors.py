"""Translates errors of aiohttp and of the system into those of a delivery."""

import errno
import os
import ssl
from collections.abc import Iterable

import aiohttp

from actors.broken_http import fault_in_http
from actors.egress import EgressRefused
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, OutOfFiles, TryLater


def translated(error: Exception, *, connected: bool, redacted: Iterable[str] = ()) -> DeliveryError:
    """
    Name what to do about transport trouble. The words hold no URL: its query may be a secret.

    Args:
        connected: Whether there was a connection, so that bytes may have left us.
        redacted: What must never show in the words.
    """
    why = describe_transport_error(error, redacted)
    if connected and fault_in_http(error) is not None:
        return Ambiguous(f"the answer is {why}")
    if not connected and _is_ours(error):
        return OutOfFiles(f"this machine could not make a connection: {why}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Misconfigured(f"the campus's certificate cannot be trusted: {why}", bytes_left=False)
    # The last one comes from a look-up, for a host name with a label that is too long.
    malformed = isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError | UnicodeError)
    refusal = "the outcome service URL is malformed" if malformed else egress_refusal(error)
    if refusal is not None:
        return GiveUp(refusal, scope="campus", bytes_left=False)
    if isinstance(error, aiohttp.ClientConnectorError) or not connected:
        return TryLater(f"no connection to the campus: {why}")
    return Ambiguous(f"the connection was lost while waiting for the answer: {why}")


#: What the system says when files, memory or ports run out.
_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)


def _is_ours(error: Exception) -> bool:
    """Whether this process lacks what a connection needs."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    # After several addresses were tried there is no number, only what was said of each.
    if getattr(cause, "errno", None) in _OURS or os.strerror(errno.EMFILE) in str(cause):
        return True
    # A look-up that cannot open its files says only that it failed.
    return isinstance(error, aiohttp.ClientConnectorDNSError) and not _may_open()


def _may_open() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True


def egress_refusal(error: Exception) -> str | None:
    """The words of a refusal, also after aiohttp merged the refusals of several addresses into one error."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, EgressRefused):
        return str(cause)
    if isinstance(cause, OSError) and cause.errno == errno.EACCES and "not a public address" in str(cause):
        return cause.strerror or str(cause)
    return None


#: In the order of looking: a time-out while connecting is a connector's error too.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its name cannot be looked up"),
    (TimeoutError, "time-out"),
    (aiohttp.ServerDisconnectedError, "closed without an answer"),
    (aiohttp.ClientPayloadError, "closed in the middle of the answer"),
)


def describe_transport_error(error: Exception, redacted: Iterable[str] = ()) -> str:
    """What went wrong, in a few words that hold no URL, and nothing of *redacted*."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        certificate = error.certificate_error
        return str(getattr(certificate, "verify_message", "") or certificate)[:200]
    fault = fault_in_http(error, redacted)
    if fault is not None:
        return f"not HTTP: {fault}"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or type(cause).__name__}"[:200]
    # Not aiohttp's own words: they can hold the URL.
    return os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno else type(cause).__name__
