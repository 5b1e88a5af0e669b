"""Asking an LTI 1.3 platform for a score: with an access token, and only where its launches offered that."""

import pytest
from aiohttp import web

from actors.access import NoTokens
from actors.errors import Misconfigured, TryLater
from actors.read_back import NotReadError, Reader, Reading
from models.campus import OutcomeService
from models.consumer import LtiConsumer
from models.scopes import RESULT_SCOPE, SCORE_SCOPE
from tests.actors.campuses import state_of
from tests.actors.sending import SOURCEDID
from tests.models.rows import read_lines
from tests.servers import HOST

RESULT = {"userId": SOURCEDID, "resultScore": 3, "resultMaximum": 4}
NO_SCOPE = "its launches did not offer the scope result.readonly"


class Tokens(NoTokens):
    """Gives ``token-1``, ``token-2``, ... or fails so."""

    def __init__(self, error=None):
        self.error, self.asked, self.dropped = error, [], []

    def usable(self, consumer_id, scope):
        return "token for scores"

    async def fetch(self, consumer_id, scope):
        if self.error is not None:
            raise self.error
        self.asked.append(scope)
        return f"token-{len(self.asked)}"

    def drop(self, consumer_id, scope, token):
        self.dropped.append((scope, token))
        return len(self.dropped)


class Results:
    """Answers with *says*, (HTTP status, JSON) in turn and then the last of them; remembers each ``Authorization``."""

    def __init__(self):
        self.says, self.asked_with = [(200, [RESULT])], []

    async def __call__(self, request):
        self.asked_with.append(request.headers["Authorization"])
        status, value = self.says[min(len(self.asked_with), len(self.says)) - 1]
        return web.json_response(value, status=status)


@pytest.fixture
async def results():
    results = Results()
    runner = web.ServerRunner(web.Server(results, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    results.url = f"http://{HOST}:{runner.addresses[0][1]}/line_items/7"
    yield results
    await runner.cleanup()


@pytest.fixture
async def platform(leaf, results):
    """The leaf's campus is one, and its line item there."""
    await OutcomeService.all().update(lis_outcome_service_url=results.url)
    await LtiConsumer.all().update(issuer="https://lms.example.edu", client_id="7", consumer_secret="")
    await OutcomeService.all().update(offered=f"{SCORE_SCOPE} {RESULT_SCOPE}")


@pytest.fixture
def tokens():
    return Tokens()


@pytest.fixture
def reader(sending, platform, tokens):
    return Reader(sending.dependencies.sender, sending.clock, sending.dependencies.settings, tokens=tokens)


async def test_the_result_is_read_with_a_token_of_its_scope(reader, tokens, results, leaf):
    assert await reader.read(leaf) == Reading("0.75")
    assert results.asked_with == ["Bearer token-1"]
    assert tokens.asked == [RESULT_SCOPE]
    results.says = [(200, [])]
    assert await reader.read(leaf) == Reading("")


async def test_where_launches_did_not_offer_the_scope_nothing_is_asked(reader, tokens, results, leaf):
    await OutcomeService.all().update(offered=SCORE_SCOPE)
    assert await reader.read(leaf) == Reading(None, NO_SCOPE, unsupported=True)
    assert (results.asked_with, tokens.asked) == ([], [])


async def test_a_product_without_results_is_not_asked(reader, results, leaf):
    await LtiConsumer.all().update(product="aplus")
    assert await reader.read(leaf) == Reading(None, "this kind of LMS has no results to read", unsupported=True)
    assert results.asked_with == []


async def test_a_refused_token_is_dropped_and_another_one_tried_once(reader, tokens, results, leaf):
    results.says = [(401, {"message": "expired"}), (200, [RESULT])]
    assert await reader.read(leaf) == Reading("0.75")
    assert tokens.dropped == [(RESULT_SCOPE, "token-1")]
    results.says = [(401, {"message": "expired"})]
    assert await reader.read(leaf) == Reading(None, "HTTP 401: expired", unsupported=True)
    assert len(results.asked_with) == 4
    assert tokens.dropped[1:] == [(RESULT_SCOPE, "token-3"), (RESULT_SCOPE, "token-4")]


async def test_why_there_is_no_token_is_said(reader, tokens, results, leaf):
    tokens.error = Misconfigured("no access token: HTTP 400: invalid_scope", bytes_left=False)
    assert await reader.read(leaf) == Reading(None, tokens.error.reason, unsupported=True)
    assert results.asked_with == []


async def test_a_token_server_that_is_busy_is_asked_later(reader, tokens, sending, campus, leaf):
    tokens.error = TryLater("no access token: HTTP 429: slow down", throttled=True, after=30.0)
    with pytest.raises(NotReadError, match="slow down"):
        await reader.read(leaf)
    assert await state_of(campus, sending.now) == "throttled"


@pytest.mark.parametrize(
    ("second", "result"), [((200, [{**RESULT, "resultScore": 2}]), "accepted"), ((401, {}), "overtaken")]
)
async def test_a_token_that_is_refused_after_a_refused_timestamp_is_dropped_and_another_one_tried_once(
    sending, platform, tokens, results, leaf, second, result
):
    results.says = [(409, []), (401, {"message": "expired"}), second]
    sending.dependencies.tokens = tokens
    await sending.send(leaf)
    assert results.asked_with == ["Bearer token for scores", "Bearer token-1", "Bearer token-2"]
    assert tokens.dropped == [(RESULT_SCOPE, f"token-{number}") for number in (1, 2)[: 1 + (result == "overtaken")]]
    (line,) = await read_lines(leaf)
    assert line["result"] == result


async def test_a_large_class_fits_where_the_platform_answers_with_all_of_it(reader, results, leaf):
    classmates = [{"userId": f"{number}", "resultScore": 1, "comment": "x" * 500} for number in range(900)]
    results.says = [(200, [*classmates, RESULT])]
    assert await reader.read(leaf) == Reading("0.75")
