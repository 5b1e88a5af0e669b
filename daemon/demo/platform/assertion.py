"""A tool's assertion (1EdTech Security Framework 1.0, section 4.1.1), verified by joserfc. Times are in seconds."""

import json
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from daemon.demo.platform.keys import ToolKeys


class RefusedAssertionError(Exception):
    """*why* is a key of :attr:`PlatformKind.token_refusals`."""

    def __init__(self, why: str, words: str) -> None:
        super().__init__(words)
        self.why = why


@dataclass(frozen=True, slots=True)
class AssertionRules:
    """
    What a kind of platform looks at. Times are seconds.

    *kid_needed*: also of a tool whose key was pasted. *early*: by how much ``iat`` may be in the future. *late*: by how
    much ``exp`` may be past. *max_age*: of ``iat``; None: any. *jti_once*: no identifier is taken twice.
    """

    audience_checked: bool = True
    kid_needed: bool = False
    early: float = 0.0
    late: float = 0.0
    max_age: float | None = None
    jti_once: bool = True


async def verify_signature(assertion: str, keys: ToolKeys, *, kid_needed: bool) -> dict[str, Any]:
    """
    The claims of an assertion whose signature is right.

    Raises:
        RefusedAssertionError: It is not.
    """
    header, _ = unverified(assertion)
    kid = header.get("kid")
    if header.get("typ", "JWT") != "JWT":
        raise RefusedAssertionError("claims", "typ is not JWT")
    is_named = isinstance(kid, str)
    key = await keys.find(kid if is_named else None) if is_named or not kid_needed else None
    if key is None:
        raise RefusedAssertionError("key", "unknown key" if is_named else "the assertion names no key: kid is missing")
    try:
        return jwt.decode(assertion, key, algorithms=["RS256"]).claims
    except (JoseError, ValueError) as error:
        raise RefusedAssertionError("signature", f"the signature is not valid: {error}") from None


def unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Header and claims as they are written; nothing is verified.

    Raises:
        RefusedAssertionError: It is no JWT.
    """
    try:
        parts = jws.extract_compact(assertion.encode())
        claims = json.loads(parts.payload)
    except (JoseError, ValueError) as error:
        raise RefusedAssertionError("claims", f"the assertion is no JWT: {error}") from None
    if not isinstance(claims, dict):
        raise RefusedAssertionError("claims", "the assertion holds no claims")
    return parts.headers(), claims


def check_claims(claims: dict[str, Any], rules: AssertionRules, *, client_id: str, audience: str, now: float) -> None:
    """
    Check who says what to whom, and when.

    Raises:
        RefusedAssertionError: A claim is not as it has to be.
    """
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise RefusedAssertionError("client", "iss and sub must both be the client id")
    if rules.audience_checked and claims.get("aud") != audience:
        raise RefusedAssertionError("audience", f"the audience must be {audience}")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise RefusedAssertionError("claims", "jti is missing")
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    if issued > now + rules.early:
        raise RefusedAssertionError("early", "the assertion was issued in the future")
    if expires <= now - rules.late:
        raise RefusedAssertionError("expired", "the assertion has expired")
    if rules.max_age is not None and issued < now - rules.max_age:
        raise RefusedAssertionError("expired", "the assertion was issued too long ago")


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedAssertionError("claims", f"{name} must be a number of seconds")
    return value
