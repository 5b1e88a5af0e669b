"""A platform, and a tool that it knows by the address of its key set."""

from types import SimpleNamespace

import pytest
from joserfc.jwk import RSAKey

from daemon.demo.platform.server import SamplePlatform
from tests.fakes.ags_tool import CLIENT, AgsTool, key_set, published


@pytest.fixture(scope="session")
def rsa_keys():
    return [RSAKey.generate_key(2048, auto_kid=True) for _ in range(2)]


@pytest.fixture
async def known(rsa_keys):
    """*platform*, *tool*, and *keys*: what the tool publishes, to be changed."""
    keys = [rsa_keys[0]]
    async with published(lambda: key_set(*keys)) as jwks_url, SamplePlatform() as platform:
        platform.register(CLIENT, jwks_url=jwks_url)
        tool = AgsTool(rsa_keys[0], platform.token_url)
        yield SimpleNamespace(platform=platform, tool=tool, keys=keys, jwks_url=jwks_url)
