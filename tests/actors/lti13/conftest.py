"""The tool's key."""

import pytest
from joserfc.jwk import RSAKey


@pytest.fixture(scope="session")
def rsa_keys():
    return [RSAKey.generate_key(2048, auto_kid=True) for _ in range(2)]


@pytest.fixture
def key(rsa_keys):
    return rsa_keys[0]
