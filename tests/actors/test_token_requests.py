"""One request for an access token: how it is written, what its answer means, with which key and which time."""

import pytest

from actors.errors import Misconfigured, TryLater
from tests.actors.token_server import (
    CONSUMER,
    PAGE,
    RESULTS,
    SCOPE,
    START,
    failure_of,
    gives,
    pem_of,
    says,
    token_server,
)

TOKEN_SERVER_TIME = START / 1000


@pytest.fixture
async def setup():
    async with token_server() as it:
        yield it


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


# --- What an answer means ---


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
