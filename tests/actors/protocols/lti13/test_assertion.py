"""The assertion is what every platform takes."""

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from actors.protocols.lti13.assertion import sign_assertion

KEY = RSAKey.generate_key(2048)
PEM = KEY.as_pem(private=True).decode()
NOW = 1_795_342_530


def signed(pem=PEM, deployment_id=None) -> str:
    return sign_assertion(
        pem, "the-kid", client_id="c", audience="https://l.example/token", deployment_id=deployment_id, now=NOW, jti="j"
    )


def test_it_is_signed_with_the_key_and_names_it():
    token = jwt.decode(signed(), RSAKey.import_key(KEY.as_pem(private=False)), algorithms=["RS256"])
    assert token.header == {"alg": "RS256", "typ": "JWT", "kid": "the-kid"}
    assert token.claims == {
        "iss": "c", "sub": "c", "aud": "https://l.example/token", "iat": NOW - 30, "exp": NOW + 270, "jti": "j"
    }  # fmt: skip


def test_the_deployment_is_named_where_it_is_known():
    token = jwt.decode(signed(deployment_id="d-1"), KEY)
    assert token.claims["https://purl.imsglobal.org/spec/lti/claim/deployment_id"] == "d-1"


@pytest.mark.parametrize(
    "pem",
    ["", "no key", PEM[:200], PEM.replace("A", "B"), ECKey.generate_key("P-256").as_pem(private=True).decode(),
     KEY.as_pem(private=False).decode()],
    ids=["empty", "words", "cut", "spoiled", "elliptic", "public"],
)  # fmt: skip
def test_a_key_that_cannot_sign_says_so_and_nothing_of_itself(pem):
    with pytest.raises(ValueError, match=r"^the signing key the-kid cannot sign$"):
        signed(pem)
