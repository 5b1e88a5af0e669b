"""One campus of each kind of platform."""

import pytest
from joserfc.jwk import RSAKey

from daemon.demo.platform.tokens import AgsScope
from tests.fakes.ags_tool import CLIENT, AgsTool
from tests.fakes.platform import RecordingPlatform
from tests.fakes.platform_kinds import KINDS


@pytest.fixture(scope="session")
def key():
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def pem(key):
    return key.as_pem(private=False).decode()


@pytest.fixture
async def campus(request, key, pem):
    """A platform of the kind that the test is parametrized with, a line item, and a tool with all its scopes."""
    async with RecordingPlatform(KINDS[request.param]()) as platform:
        platform.register(CLIENT, pem=pem)
        tool = AgsTool(key, platform.token_url)
        await tool.authorize(" ".join(AgsScope))
        yield platform, platform.add_line_item(), tool
