"""The JWT with which the tool asks a platform for an access token. Pure."""

from functools import lru_cache

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

_DEPLOYMENT = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"

#: Seconds by which the assertion is said to be older than it is, and that it is valid from then: Moodle takes none from
#: the future, and Canvas none that is older than five minutes.
ISSUED_BEFORE, LIFE = 30, 300


def sign_assertion(
    private_pem: str, kid: str, *, client_id: str, audience: str, deployment_id: str | None, now: int, jti: str
) -> str:
    """
    The signed assertion: a JWT in its compact form (RFC 7519, 3.1).

    Args:
        private_pem: An RSA key in PEM, not encrypted.
        kid: Which of the tool's published keys it is.
        client_id: What the platform calls the tool; issuer and subject of the assertion.
        audience: As the platform's token server wants it, which may compare it letter by letter.
        deployment_id: The deployment that the token is for; None: not said.
        now: By the token server's clock, seconds since 1970.
        jti: Never used before.

    Raises:
        ValueError: The key is none that signs; the message quotes nothing of it.

    Spec: RFC 7523, 3; 1EdTech Security Framework 1.0, 4.1.1.
    """
    issued = now - ISSUED_BEFORE
    claims: dict[str, object] = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": issued,
        "exp": issued + LIFE,
        "jti": jti,
    }
    if deployment_id:
        claims[_DEPLOYMENT] = deployment_id
    try:
        return jwt.encode(
            {"alg": "RS256", "typ": "JWT", "kid": kid}, claims, _imported(private_pem), algorithms=["RS256"]
        )
    except (JoseError, ValueError, TypeError):
        raise ValueError(f"the signing key {kid} cannot sign") from None


@lru_cache(maxsize=16)
def _imported(private_pem: str) -> RSAKey:
    """Checking a key takes longer than 50 signatures."""
    return RSAKey.import_key(private_pem)
