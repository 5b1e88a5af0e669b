"""Verifies OAuth 1.0 signatures with a body hash, by oauthlib and not by the code that signs them here."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, RequestValidator, SignatureOnlyEndpoint

from daemon.demo.lms.request import RequestRecord


class Verifier(RequestValidator):
    """oauthlib's server side. It remembers the nonces even of requests that it refuses."""

    #: Takes the place of an unknown key, so that its request takes no less time.
    dummy_client = "unknown"
    allowed_signature_methods = (SIGNATURE_HMAC_SHA1,)
    #: Nothing but the loopback is served.
    enforce_ssl = False

    def __init__(self) -> None:
        super().__init__()
        self._clock_window = 0
        self._keys: Mapping[str, str] = {}
        self._endpoint = SignatureOnlyEndpoint(self)
        self._nonces: set[tuple[str, str]] = set()
        self._reused = False

    def verify(
        self, record: RequestRecord, method: str, origin: str, keys: Mapping[str, str], *, clock_window: int
    ) -> bool:
        """
        Verify a request, and note on it who signed it and its faults.

        Args:
            origin: Scheme and authority of the address to which it was sent.
            keys: Consumer key to secret.
            clock_window: Seconds by which the timestamp may differ from the clock.
        """
        self._keys, self._clock_window, self._reused = keys, clock_window, False
        # What was signed is the address as the sender wrote it, byte for byte.
        valid, signed = self._endpoint.validate_request(origin + record.path_qs, method, "", dict(record.headers))
        if signed is None:
            record.fault(401, "no OAuth signature")
            return False
        record.consumer_key, record.nonce, record.timestamp = signed.client_key, signed.nonce, signed.timestamp
        if self._reused:
            record.fault(401, "a nonce that was used before")
        elif not valid:
            record.fault(401, "a signature that is not valid")
        digest = base64.b64encode(hashlib.sha1(record.body, usedforsecurity=False).digest()).decode()
        if signed.oauth_params.get("oauth_body_hash") != digest:
            record.fault(401, "a body hash that is not the body's")
            return False
        return bool(valid)

    @property
    def timestamp_lifetime(self) -> int:
        return self._clock_window

    def check_client_key(self, client_key: str) -> bool:
        return bool(client_key)

    def check_nonce(self, nonce: str) -> bool:
        return bool(nonce)

    def validate_client_key(self, client_key: str, request: Any) -> bool:  # noqa: ARG002 - oauthlib's signature
        return client_key in self._keys

    def get_client_secret(self, client_key: str, request: Any) -> str:  # noqa: ARG002
        return self._keys.get(client_key, "no secret at all")

    def validate_timestamp_and_nonce(self, client_key: str, timestamp: str, nonce: str, *_: Any, **__: Any) -> bool:  # noqa: ARG002
        self._reused = (client_key, nonce) in self._nonces
        self._nonces.add((client_key, nonce))
        return not self._reused
