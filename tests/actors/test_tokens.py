"""Access tokens are asked for once, renewed in time, and not asked for again and again where there are none."""

import asyncio
from contextvars import ContextVar

import pytest

from actors.errors import DeliveryError, Misconfigured, TryLater
from actors.tokens import FIRST_PAUSE
from tests.actors.token_server import CONSUMER, SCOPE, START, gives, pem_of, says, token_server

RESULTS = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
PAGE = "<html><title>Sign in</title><body>Sign in</body></html>"
TOKEN_SERVER_TIME = START / 1000


@pytest.fixture
async def setup():
    async with token_server() as it:
        yield it


async def until(done) -> None:
    async with asyncio.timeout(30):
        while not done():
            await asyncio.sleep(0.01)


async def failure_of(setup, scope: str = SCOPE) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await setup.fetch(scope)
    return caught.value


# --- One request ---


async def test_a_token_is_asked_for_with_an_assertion_of_the_tools(setup):
    setup.consumer.deployment_id = "deployment-1"
    assert setup.usable() is None, "nothing was fetched yet"
    assert await setup.fetch() == "token"
    (asked,) = setup.server.asked
    assert asked.form["grant_type"] == ["client_credentials"]
    assert asked.form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    assert asked.form["scope"] == [SCOPE]
    assert set(asked.form) == {"grant_type", "client_assertion_type", "client_assertion", "scope"}
    assert asked.header == {"alg": "RS256", "typ": "JWT", "kid": "new"}
    jti = asked.claims.pop("jti")
    assert isinstance(jti, str)
    assert len(jti) == 32
    assert asked.claims == {
        "iss": "the-client",
        "sub": "the-client",
        "aud": setup.server.url,
        "iat": START // 1000 - 30,
        "exp": START // 1000 + 270,
        "https://purl.imsglobal.org/spec/lti/claim/deployment_id": "deployment-1",
    }


async def test_the_audience_is_what_the_operator_says(setup):
    setup.consumer.token_audience = "https://api.brightspace.com/auth/token"
    await setup.fetch()
    assert setup.server.asked[0].claims["aud"] == "https://api.brightspace.com/auth/token"


async def test_a_hundred_callers_share_one_request(setup):
    assert set(await asyncio.gather(*(setup.fetch() for _ in range(100)))) == {"token"}
    assert len(setup.server.asked) == 1


async def test_a_hundred_callers_share_one_failure(setup):
    setup.server.answers = [says(400, {"error": "invalid_client"})]
    errors = await asyncio.gather(*(setup.fetch() for _ in range(100)), return_exceptions=True)
    assert {type(error) for error in errors} == {Misconfigured}
    assert len(setup.server.asked) == 1


async def test_a_caller_who_goes_away_ends_no_others_request(setup):
    setup.server.goes_on.clear()
    one, other = asyncio.create_task(setup.fetch()), asyncio.create_task(setup.fetch())
    await until(lambda: setup.server.asked)
    one.cancel()
    await asyncio.wait([one])
    setup.server.goes_on.set()
    assert await other == "token"


async def test_each_scope_has_a_token_of_its_own(setup):
    setup.server.answers = [gives("for-scores"), gives("for-results")]
    assert [await setup.fetch(), await setup.fetch(RESULTS)] == ["for-scores", "for-results"]
    assert [setup.usable(), setup.usable(RESULTS)] == ["for-scores", "for-results"]
    assert [asked.form["scope"] for asked in setup.server.asked] == [[SCOPE], [RESULTS]]


async def test_each_consumer_has_a_token_of_its_own(setup):
    await setup.fetch()
    assert setup.tokens.usable(CONSUMER + 1, SCOPE) is None
    with pytest.raises(Misconfigured):
        await setup.tokens.fetch(CONSUMER + 1, SCOPE)


async def test_a_jti_is_never_used_twice(setup):
    setup.server.answers = [gives("one"), gives("two")]
    for scope in (SCOPE, RESULTS):
        await setup.fetch(scope)
    assert len({asked.claims["jti"] for asked in setup.server.asked}) == 2


async def test_a_request_that_is_begun_within_a_transaction_is_none_of_its(setup):
    seen, of_the_transaction = [], ContextVar("transaction", default="none")
    find = setup.tokens._consumer

    async def noting(consumer_id):
        seen.append(of_the_transaction.get())
        return await find(consumer_id)

    setup.tokens._consumer = noting
    of_the_transaction.set("a claim's")
    await setup.fetch()
    assert seen == ["none"]


# --- How long a token serves ---


@pytest.mark.parametrize(
    ("expires_in", "renewed_after", "ends_after"),
    [
        (3600, 3540, 3590),
        ("3600", 3540, 3590),
        (3600.0, 3540, 3590),
        (100, 50, 90),
        (10, 5, 7.5),
        (None, 240, 290),
        ("soon", 240, 290),
        (0, 240, 290),
        (-1, 240, 290),
        (10**30, 24 * 3600 - 60, 24 * 3600 - 10),
    ],
)
async def test_a_token_is_renewed_before_its_end_while_it_still_serves(setup, expires_in, renewed_after, ends_after):
    setup.server.answers = [gives("first", expires_in=expires_in), gives("second", expires_in=3600)]
    await setup.fetch()
    setup.time.now += renewed_after - 0.1
    assert setup.usable() == "first"
    await asyncio.sleep(0)
    assert len(setup.server.asked) == 1
    setup.server.goes_on.clear()
    setup.time.now += 0.2
    assert [setup.usable() for _ in range(10)] == ["first"] * 10
    await until(lambda: len(setup.server.asked) == 2)
    assert setup.usable() == "first", "the old one serves meanwhile"
    setup.time.now += ends_after - renewed_after
    assert setup.usable() is None, "it would end on its way"
    setup.server.goes_on.set()
    assert await setup.fetch() == "second"
    assert setup.usable() == "second"
    assert len(setup.server.asked) == 2


async def test_a_token_without_a_life_serves_five_minutes(setup):
    await setup.fetch()
    setup.time.now += 239
    assert setup.usable() == "token"
    setup.time.now += 52
    assert setup.usable() is None


async def test_a_renewal_that_fails_leaves_the_old_token_and_is_not_repeated_at_once(setup):
    setup.server.answers = [gives("first", expires_in=600), says(503), gives("second", expires_in=600)]
    await setup.fetch()
    setup.time.now += 550
    assert setup.usable() == "first"
    await until(lambda: len(setup.server.asked) == 2)
    await asyncio.sleep(0.05)
    assert [setup.usable() for _ in range(5)] == ["first"] * 5
    setup.time.now += FIRST_PAUSE + 0.1
    assert setup.usable() == "first"
    await until(lambda: setup.usable() == "second")
    assert len(setup.server.asked) == 3


# --- Tokens that were refused ---


async def test_a_token_that_the_platform_refused_is_asked_for_anew(setup):
    setup.server.answers = [gives("first"), gives("second")]
    await setup.fetch()
    setup.tokens.drop(CONSUMER, SCOPE, "first")
    assert setup.usable() is None
    assert await setup.fetch() == "second"


async def test_a_token_that_was_replaced_already_is_not_dropped(setup):
    await setup.fetch()
    setup.tokens.drop(CONSUMER, SCOPE, "an older one")
    assert await setup.fetch() == "token"
    assert len(setup.server.asked) == 1


@pytest.mark.parametrize(("life", "slow"), [(0.01, 0), (1, 0), (10, 9), (60, 55)])
async def test_a_token_that_is_over_as_soon_as_it_is_there_is_a_failure_and_no_reason_to_ask_at_once(setup, life, slow):
    def answers(asked):
        setup.time.now += slow
        return gives(expires_in=life)(asked)

    setup.server.answers = [answers]
    assert f"end {life} s after they were asked for" in (await failure_of(setup)).reason
    assert setup.tokens.is_paused(CONSUMER, SCOPE)
    await failure_of(setup)
    assert len(setup.server.asked) == 1


async def test_after_a_failure_the_pause_is_known_until_it_ends(setup):
    setup.server.answers = [says(503)]
    assert not setup.tokens.is_paused(CONSUMER, SCOPE)
    await failure_of(setup)
    assert setup.tokens.is_paused(CONSUMER, SCOPE)
    setup.time.now += FIRST_PAUSE + 0.1
    assert not setup.tokens.is_paused(CONSUMER, SCOPE)


# --- Failures ---


@pytest.mark.parametrize(
    ("answer", "kind", "throttled", "words"),
    [
        (says(400, {"error": "invalid_client"}), Misconfigured, None, "HTTP 400: invalid_client"),
        (says(401, {"error": "unidentified_error"}), Misconfigured, None, "HTTP 401: unidentified_error"),
        (says(404, text=PAGE), Misconfigured, None, "HTTP 404: Sign in"),
        (says(403, text=PAGE), Misconfigured, None, "HTTP 403: Sign in"),
        (says(302, Location="https://sso.example/in?s=1"), Misconfigured, None, "redirects to https://sso.example"),
        (says(408), TryLater, True, "HTTP 408"),
        (says(425), TryLater, True, "HTTP 425"),
        (says(429), TryLater, True, "HTTP 429"),
        (says(403, X_Rate_Limit_Remaining="0"), TryLater, True, "HTTP 403"),
        (says(403, text="403 Forbidden (Rate Limit Exceeded)"), TryLater, True, "HTTP 403"),
        (says(500, text=PAGE), TryLater, False, "HTTP 500: Sign in"),
        (says(503), TryLater, False, "HTTP 503"),
        (says(200, text=PAGE), TryLater, False, "HTTP 200 of the token URL with no access token"),
        (says(200, {}), TryLater, False, "no access token"),
        (says(200, []), TryLater, False, "no access token"),
        (says(200, {"access_token": None}), TryLater, False, "no access token"),
        (says(200, {"access_token": ["a"]}), TryLater, False, "no access token"),
        (gives("two\r\nwords"), TryLater, False, "that no request can carry"),
        (gives(""), TryLater, False, "no access token|no request can carry"),
        (says(200, {"error": "invalid_client"}), Misconfigured, None, "invalid_client"),
        (says(200, {"error": "server_error"}), TryLater, False, "no access token"),
        (gives(scope="openid"), Misconfigured, None, f"without the scope {SCOPE}"),
        (gives(scope=""), Misconfigured, None, "without the scope"),
        (gives(scope=[RESULTS]), Misconfigured, None, "without the scope"),
    ],
)
async def test_an_answer_without_a_token_means(setup, answer, kind, throttled, words):
    setup.server.answers = [answer]
    error = await failure_of(setup)
    assert type(error) is kind
    assert getattr(error, "throttled", None) == throttled
    assert error.bytes_left is False, "no score has left"
    with pytest.raises(kind, match=words):
        raise error


@pytest.mark.parametrize("scope", [SCOPE, f"{RESULTS} {SCOPE}", [SCOPE], None, 7])
async def test_an_answer_that_names_our_scope_or_none_is_taken(setup, scope):
    setup.server.answers = [gives(scope=scope)]
    assert await setup.fetch() == "token"


async def test_after_a_failure_there_is_none_for_a_while_and_each_while_is_longer(setup):
    setup.server.answers = [says(400, {"error": "invalid_client"})]
    for number, pause in enumerate([1, 2, 4, 8, 16, 32, 60, 60], start=1):
        first = await failure_of(setup)
        assert len(setup.server.asked) == number
        setup.time.now += pause - 0.1
        assert (await failure_of(setup)).reason == first.reason
        assert len(setup.server.asked) == number, "the same error without a request"
        setup.time.now += 0.2


async def test_the_pause_begins_anew_after_a_success(setup):
    setup.server.answers = [says(503), says(503), gives(), says(503)]
    for pause in (1.1, 2.1):
        await failure_of(setup)
        setup.time.now += pause
    await setup.fetch()
    setup.tokens.drop(CONSUMER, SCOPE, "token")
    assert (await failure_of(setup)).after == pytest.approx(FIRST_PAUSE)


async def test_a_token_server_that_says_how_long_to_wait_is_left_alone_for_that_long(setup):
    setup.server.answers = [says(429, Retry_After="90"), gives()]
    assert (await failure_of(setup)).after == 90
    setup.time.now += 89
    assert (await failure_of(setup)).after == pytest.approx(1)
    assert len(setup.server.asked) == 1
    setup.time.now += 1.1
    assert await setup.fetch() == "token"


async def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_for_any_request():
    async with token_server(timeout_seconds=0.3) as setup:
        setup.server.goes_on.clear()
        error = await failure_of(setup)
        assert isinstance(error, TryLater)
        assert error.bytes_left is False


async def test_a_server_that_is_not_there_means_later(setup):
    setup.consumer.token_url = "http://127.0.0.1:1/token"
    assert isinstance(await failure_of(setup), TryLater)


@pytest.mark.parametrize("url", ["http://10.0.0.1/token", "no url", None])
async def test_a_token_url_that_cannot_be_asked_waits_for_the_operator(setup, url):
    setup.consumer.token_url = url
    assert isinstance(await failure_of(setup), Misconfigured)


async def test_a_tool_without_a_key_waits_for_the_operator(setup):
    setup.keys.clear()
    error = await failure_of(setup)
    assert isinstance(error, Misconfigured)
    assert "passbackd keys" in error.reason


async def test_a_consumer_that_is_gone_has_no_token(setup):
    with pytest.raises(Misconfigured):
        await setup.tokens.fetch(CONSUMER + 1, SCOPE)


async def test_closing_ends_the_requests_under_way(setup):
    setup.server.goes_on.clear()
    fetching = asyncio.create_task(setup.fetch())
    await until(lambda: setup.server.asked)
    await setup.tokens.close()
    with pytest.raises(TryLater, match="stopped"):
        await fetching


# --- Keys ---


@pytest.mark.parametrize("refusal", [says(400, {"error": "invalid_client"}), says(500, text=PAGE)])
async def test_a_platform_that_does_not_know_the_newest_key_is_asked_with_the_next_older_one(refusal):
    async with token_server(kids=("new", "old", "oldest")) as setup:
        setup.server.answers = [refusal, gives("one"), gives("two"), refusal, gives("three")]
        assert await setup.fetch() == "one"
        assert setup.noted == ["old"]
        setup.tokens.drop(CONSUMER, SCOPE, "one")
        assert await setup.fetch() == "two"
        assert [asked.header["kid"] for asked in setup.server.asked] == ["new", "old", "old"], "not first for an hour"
        setup.time.now += 3601
        assert await setup.fetch() == "three"
        assert [asked.header["kid"] for asked in setup.server.asked][3:] == ["new", "old"]
        assert setup.noted == ["old"], "it is noted once"


async def test_two_keys_are_tried_and_no_more():
    async with token_server(kids=("new", "old", "oldest")) as setup:
        setup.server.answers = [says(400, {"error": "first"}), says(400, {"error": "second"})]
        assert "first" in (await failure_of(setup)).reason
        assert [asked.header["kid"] for asked in setup.server.asked] == ["new", "old"]


@pytest.mark.parametrize(
    "answer",
    [says(429), says(502), says(503), says(504), says(302, Location="/x"), gives(scope="openid"), says(200, text=PAGE)],
)
async def test_what_no_other_key_would_cure_is_asked_once(answer):
    async with token_server(kids=("new", "old")) as setup:
        setup.server.answers = [answer]
        await failure_of(setup)
        setup.server.answers = [gives()]
        setup.time.now += 61
        await setup.fetch()
        assert [asked.header["kid"] for asked in setup.server.asked] == ["new", "new"], "another key is tried first"


# --- Clocks ---


@pytest.mark.parametrize("ahead", [45, -45])
async def test_the_token_servers_clock_is_learned_from_a_refusal_and_used_at_once(setup, ahead):
    its_time = TOKEN_SERVER_TIME + ahead
    setup.server.answers = [says(400, {"error": "unidentified_error"}, date=its_time), gives(date=its_time)]
    assert await setup.fetch() == "token"
    assert [asked.claims["iat"] for asked in setup.server.asked] == [START // 1000 - 30, START // 1000 - 30 + ahead]
    assert [asked.claims["exp"] - asked.claims["iat"] for asked in setup.server.asked] == [300, 300]


async def test_a_clock_that_is_known_already_is_no_reason_to_ask_again(setup):
    its_time = TOKEN_SERVER_TIME + 45
    setup.server.answers = [says(400, {"error": "no"}, date=its_time)]
    await failure_of(setup)
    assert len(setup.server.asked) == 2
    setup.time.now += 2
    setup.server.answers = [says(400, {"error": "no"}, date=its_time + 2)]
    await failure_of(setup)
    assert len(setup.server.asked) == 3


async def test_a_time_that_was_accepted_says_more_than_the_date_of_an_answer(setup):
    wrong = TOKEN_SERVER_TIME + 400
    setup.server.answers = [gives(date=wrong), gives("two", date=wrong)]
    await setup.fetch()
    await setup.fetch(RESULTS)
    # A refusal may be for the time: the wrong one is tried, and only once.
    setup.tokens.drop(CONSUMER, SCOPE, "token")
    for _ in range(2):
        setup.server.answers = [says(400, {"error": "no"}, date=wrong)]
        await failure_of(setup)
        setup.time.now += 61
        wrong += 61
    setup.server.answers = [gives("three", date=wrong)]
    assert await setup.fetch() == "three"
    now = START // 1000 - 30
    ahead = [0, 0, 0, 400, 61, 461, 122]
    assert [asked.claims["iat"] - now for asked in setup.server.asked] == ahead


async def test_a_second_more_or_less_is_no_other_time(setup):
    setup.server.answers = [gives(date=TOKEN_SERVER_TIME + 1)]
    await setup.fetch()
    await setup.fetch(RESULTS)
    assert setup.server.asked[1].claims["iat"] == START // 1000 - 30


# --- Secrets ---


async def test_no_error_and_no_representation_holds_a_secret(setup):
    seen = []

    def echoes(asked):
        (assertion,) = asked.form["client_assertion"]
        seen.append(assertion)
        return says(400, {"error": "invalid_client", "error_description": f"cannot verify {assertion}"})(asked)

    setup.server.answers = [echoes, gives("a-secret-token", scope="openid"), gives("a-secret-token")]
    first = await failure_of(setup)
    setup.time.now += 2
    second = await failure_of(setup)
    setup.time.now += 5
    await setup.fetch()
    shown = f"{first!r} {first} {second!r} {second} {setup.tokens!r} {setup.tokens._entries!r} {vars(first)}"
    assert "cannot verify" in shown
    for secret in (*seen, *seen[0].split(".")[1:], "a-secret-token", pem_of("new")):
        assert secret not in shown
