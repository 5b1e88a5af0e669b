"""Which signing keys are published, which sign, and the public key set."""

import json

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from models.encryption import Cipher, UndecryptableError, new_key
from models.key_admin import make_signing_key
from models.tool_key import (
    KEPT_MS,
    ToolKey,
    key_id,
    public_key_set,
    public_pem,
    published,
    published_keys,
    published_until,
    signing,
    signing_keys,
)

NOW = 10**12
#: Members of a JSON Web Key that are private (RFC 7518, section 6.3.2).
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
CIPHER = Cipher([new_key()])


def key(number, signs_from, withdrawn_at=None):
    return ToolKey(
        id=number, kid=str(number), private_pem="", created_at=0, signs_from=signs_from, withdrawn_at=withdrawn_at
    )


def kids(keys):
    return [int(one.kid) for one in keys]


@pytest.mark.parametrize(
    ("thumbprint", "kid"), [("-Zq-w_", "Zq-w_"), ("--a", "a"), ("_b-", "_b-"), ("Zq", "Zq")], ids=repr
)
def test_no_command_takes_the_id_of_a_key_for_an_option(thumbprint, kid):
    assert key_id(thumbprint) == kid


@pytest.mark.parametrize(
    ("keys", "expected_published", "expected_signing"),
    [
        pytest.param([], [], [], id="none"),
        pytest.param([key(1, NOW)], [1], [1], id="one"),
        pytest.param([key(1, 0), key(2, NOW + 1)], [2, 1], [1], id="the newer one does not sign yet"),
        pytest.param([key(1, 0), key(2, NOW)], [2, 1], [2, 1], id="the newer one signs"),
        pytest.param([key(1, 0), key(2, NOW - KEPT_MS + 1)], [2, 1], [2, 1], id="the old one is still published"),
        pytest.param([key(1, 0), key(2, NOW - KEPT_MS)], [2], [2], id="the old one is not published any more"),
        pytest.param([key(1, 0, withdrawn_at=NOW)], [], [], id="a withdrawn one alone"),
        pytest.param([key(1, 0), key(2, 1, withdrawn_at=NOW)], [1], [1], id="a withdrawn one takes no other's place"),
        pytest.param([key(1, 0, withdrawn_at=5), key(2, NOW)], [2], [2], id="the old one is withdrawn"),
        pytest.param([key(2, NOW), key(1, NOW)], [2, 1], [2, 1], id="two that sign from the same moment"),
    ],
)
def test_what_is_published_and_signs_the_newest_first(keys, expected_published, expected_signing):
    assert kids(published(keys, now=NOW)) == expected_published
    assert kids(signing(keys, now=NOW)) == expected_signing


def test_a_key_is_published_for_30_days_after_the_next_one_signs():
    keys = [key(1, 0), key(2, 500), key(3, 900), key(4, 700, withdrawn_at=800)]
    month = 30 * 24 * 3600 * 1000
    assert [published_until(one, keys) for one in keys] == [500 + month, 900 + month, None, 800]


async def test_the_public_key_set_has_what_a_platform_needs_and_nothing_private(empty_database):
    made = [await make_signing_key(CIPHER, now=NOW, ahead_ms=1_000) for _ in range(2)]
    keys = await published_keys(NOW)
    document = public_key_set(keys, CIPHER)
    assert set(document) == {"keys"}
    assert [one["kid"] for one in document["keys"]] == [made[1].kid, made[0].kid]
    for one in document["keys"]:
        assert set(one) == {"kty", "n", "e", "alg", "use", "kid"}
        assert (one["kty"], one["e"], one["alg"], one["use"]) == ("RSA", "AQAB", "RS256", "sig")
        assert not PRIVATE & set(one)
        key_pair = RSAKey.import_key({name: one[name] for name in ("kty", "n", "e")})
        assert key_id(key_pair.thumbprint()) == one["kid"]
    assert "PRIVATE" not in json.dumps(document)


async def test_a_platform_verifies_with_the_published_set_what_the_signing_key_signed(empty_database):
    await make_signing_key(CIPHER, now=NOW, ahead_ms=0)
    (signer,) = await signing_keys(NOW)
    private = RSAKey.import_key(CIPHER.decrypt(signer.private_pem))
    assert private.raw_value.key_size == 2048
    text = jwt.encode({"alg": "RS256", "kid": signer.kid}, {"sub": "client"}, private)
    key_set = KeySet.import_key_set(public_key_set(await published_keys(NOW), CIPHER))
    assert jwt.decode(text, key_set, algorithms=["RS256"]).claims == {"sub": "client"}


async def test_the_pem_is_the_public_half_alone(empty_database):
    made = await make_signing_key(CIPHER, now=NOW, ahead_ms=0)
    text = public_pem(made, CIPHER)
    assert text.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert text.endswith("-----END PUBLIC KEY-----\n")
    assert not RSAKey.import_key(text).is_private
    assert key_id(RSAKey.import_key(text).thumbprint()) == made.kid


async def test_without_the_key_that_encrypted_it_a_private_key_is_useless(empty_database):
    made = await make_signing_key(CIPHER, now=NOW, ahead_ms=0)
    assert "BEGIN" not in made.private_pem
    for use in (public_pem, lambda key, cipher: public_key_set([key], cipher)):
        with pytest.raises(UndecryptableError):
            use(made, Cipher([new_key()]))
