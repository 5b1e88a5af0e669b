"""The request for an access token, and its answer. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error

from actors.errors import DeliveryError, Misconfigured, TryLater
from actors.protocols.answers import BUSY, is_limited, reason_of, redirect, reset_after, start
from actors.protocols.interface import WireRequest
from actors.protocols.json_text import NoJsonError, read_json
from actors.redact import redact
from actors.response import Response

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#: Seconds that a token lives whose answer does not say, and at most.
USUAL_LIFE, LONGEST_LIFE = 300.0, 24 * 3600.0

#: What a header can carry, and of that much: RFC 6750, 2.1.
_TOKEN = re.compile(r"[\x21-\x7e]{1,8000}")
#: OAuth's words for trouble of the server's own: RFC 6749, 4.1.2.1.
_PASSING = ("server_error", "temporarily_unavailable")
_NAMES = ("access_token", "token_type", "error", "error_description")
#: Members of a refusal that are for people; any other may hold a secret.
_WORDS = ("error", "error_description", "title", "message", "detail")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token, and the seconds that it lives from when it was asked for."""

    text: str = field(repr=False)
    life: float


def write_token_request(token_url: str, assertion: str, scope: str) -> WireRequest:
    """
    The request for a token of one scope: platforms refuse all of it for one scope that they do not give.

    Args:
        assertion: From :func:`actors.protocols.lti13.assertion.sign_assertion`; never shown.
        scope: The whole URI, as the launch offered it.

    Spec: RFC 6749, 4.4.2; RFC 7523, 2.2; 1EdTech Security Framework 1.0, 4.1.
    """
    body = BackendApplicationClient("").prepare_request_body(
        scope=scope, client_assertion_type=_ASSERTION_TYPE, client_assertion=assertion
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return WireRequest(token_url, body.encode(), headers, (assertion, assertion.rpartition(".")[2]))


def read_token(response: Response, *, scope: str, now: datetime, redacted: Sequence[str] = ()) -> AccessToken:
    """
    The token in an answer.

    Args:
        scope: What was asked for; an answer that names scopes has to name it.
        now: With its zone, for waits that the server names as a date.
        redacted: What must never show in a message.

    Raises:
        Misconfigured: The platform gives none until a person corrects key, client id, audience or scopes.
        TryLater: It gives none now. No score has left, so that nothing is in doubt.

    Spec: RFC 6749, 5.
    """
    if not 200 <= response.status <= 299:
        raise _refused(response, now, redacted)
    try:
        answer = read_json(response)
    except NoJsonError:
        answer = None
    if not isinstance(answer, Mapping):
        # Not its words: they may hold a token.
        raise _later(response, "no access token", now)
    said = {name: answer[name] for name in _NAMES if isinstance(answer.get(name), str)}
    try:
        # oauthlib fails in many ways where a number or a scope is none; those are read here.
        text = BackendApplicationClient("").parse_request_body_response(json.dumps(said), scope=None)["access_token"]
    except (OAuth2Error, AttributeError, TypeError, ValueError):
        raise _without_token(response, said, now, redacted) from None
    if not _TOKEN.fullmatch(text):
        raise _later(response, "an access token that no request can carry", now)
    scopes = _scopes(answer.get("scope"))
    if scopes is not None and scope not in scopes:
        raise Misconfigured(
            f"the platform gives an access token without the scope {scope}: have it allow the tool that scope",
            http_status=response.status,
            bytes_left=False,
        )
    return AccessToken(text, _life(answer.get("expires_in")))


def _refused(response: Response, now: datetime, redacted: Sequence[str]) -> DeliveryError:
    status, shown = response.status, redact(_words(response), redacted)
    reason = f"no access token: {reason_of(response, None, shown)}"
    if status in BUSY or (status == 403 and is_limited(response)):
        after = response.retry_after(now)
        after = reset_after(response) if after is None else after
        return TryLater(reason, after=after, throttled=True, http_status=status)
    if 300 <= status <= 399:
        elsewhere = redirect(response, "token URL")
        return Misconfigured(elsewhere or reason, http_status=status, bytes_left=False)
    if 400 <= status <= 499:
        return Misconfigured(reason, http_status=status, bytes_left=False)
    return TryLater(reason, after=response.retry_after(now), http_status=status)


def _without_token(
    response: Response, said: Mapping[str, str], now: datetime, redacted: Sequence[str]
) -> DeliveryError:
    error = said.get("error", "")
    if not error or error in _PASSING:
        return _later(response, "no access token", now)
    words = redact(": ".join(filter(None, (error, said.get("error_description")))), redacted)
    return Misconfigured(f"no access token: {words}", http_status=response.status, bytes_left=False)


def _later(response: Response, what: str, now: datetime) -> TryLater:
    reason = f"HTTP {response.status} of the token URL with {what}"
    return TryLater(reason, after=response.retry_after(now), http_status=response.status)


def _words(response: Response) -> str:
    """OAuth's error and its description, and what else a refusal says to people; of what is no JSON its beginning."""
    try:
        answer = read_json(response)
    except NoJsonError:
        return start(response)
    if isinstance(answer, str):
        return start(response)
    said = [answer.get(name) for name in _WORDS] if isinstance(answer, Mapping) else []
    return ": ".join(text for text in said if isinstance(text, str) and text)


def _scopes(named: Any) -> list[str] | None:
    """The scopes that an answer names, blank-separated or as a list; None if it names none at all."""
    if isinstance(named, str):
        return named.split()
    return [text for text in named if isinstance(text, str)] if isinstance(named, list) else None


def _life(seconds: Any) -> float:
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) <= 9:
        seconds = Decimal(seconds)
    if not isinstance(seconds, Decimal) or seconds <= 0:
        return USUAL_LIFE
    return float(min(seconds, Decimal(LONGEST_LIFE)))
