"""What `reconcile` and `why --ask-campus` ask an LTI 1.3 platform with: access tokens for the tool's own key."""

import pytest
from joserfc.jwk import RSAKey

from actors.read_back import Reading
from daemon.config import Config
from daemon.config.sections import EgressSection
from daemon.demo.platform.server import SamplePlatform
from daemon.support.reconcile import reading
from models.campus import OutcomeService
from models.consumer import LtiConsumer
from models.scopes import RESULT_SCOPE, SCORE_SCOPE
from models.tool_key import ToolKey
from tests.fakes.ags_tool import key_set, published
from tests.models.rows import make_assignment, make_service

CONFIG = Config(egress=EgressSection(allow_http=True, allow_networks=("127.0.0.0/8",)))

pytestmark = pytest.mark.usefixtures("empty_database")


@pytest.fixture(scope="module")
def key():
    return RSAKey.generate_key(2048, auto_kid=True)


async def platform_with(platform, key):
    """An assignment whose grade of 0.75 the platform holds."""
    line_item = platform.add_line_item()
    platform.set_by_hand(line_item, "user-7", "0.75")
    service = await make_service(url=line_item)
    await OutcomeService.all().update(offered=f"{SCORE_SCOPE} {RESULT_SCOPE}")
    columns = {"issuer": platform.issuer, "client_id": "7", "token_url": platform.token_url, "consumer_secret": ""}
    await LtiConsumer.all().update(**columns)
    await ToolKey.create(kid=key.kid, private_pem=key.as_pem(private=True).decode(), created_at=0, signs_from=0)
    return await make_assignment(service, lis_result_sourcedid="user-7")


async def test_a_platform_is_read_with_a_token_for_the_tools_key(key):
    async with published(lambda: key_set(key)) as jwks_url, SamplePlatform() as platform:
        platform.register("7", jwks_url=jwks_url)
        assignment = await platform_with(platform, key)
        async with reading(CONFIG) as reader:
            assert await reader.read(assignment) == Reading("0.75")
            assert await reader.read(assignment) == Reading("0.75")
        assert [request.operation for request in platform.requests] == ["token", "results", "results"]
    assert (await LtiConsumer.get()).signing_kid is None, "a reading changes nothing"


async def test_a_platform_that_does_not_know_the_key_is_asked_for_no_grade(key):
    async with SamplePlatform() as platform:
        assignment = await platform_with(platform, key)
        async with reading(CONFIG) as reader:
            found = await reader.read(assignment)
        assert {request.operation for request in platform.requests} == {"token"}
    assert (found.held, found.unsupported) == (None, True)
    assert found.why.startswith("no access token: HTTP 4")
