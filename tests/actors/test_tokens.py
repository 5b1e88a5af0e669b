"""Access tokens are asked for once, renewed in time, and not asked for again and again where there are none."""

import asyncio
from contextvars import ContextVar

import pytest

from actors.breaker import MAX_BLOCK_MS
from actors.errors import Misconfigured, TryLater
from actors.tokens import FIRST_PAUSE
from tests.actors.token_server import CONSUMER, RESULTS, SCOPE, START, failure_of, gives, key, says, token_server


@pytest.fixture
async def setup():
    async with token_server() as it:
        yield it


async def until(done) -> None:
    async with asyncio.timeout(30):
        while not done():
            await asyncio.sleep(0.01)


# --- One request ---


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
    find = setup.tokens._requests._consumer

    async def noting(consumer_id):
        seen.append(of_the_transaction.get())
        return await find(consumer_id)

    setup.tokens._requests._consumer = noting
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


async def test_a_token_server_silences_a_platform_no_longer_than_a_campus_may_itself(setup):
    setup.server.answers = [says(429, Retry_After="21600"), gives()]
    assert (await failure_of(setup)).after == MAX_BLOCK_MS / 1000
    setup.time.now += MAX_BLOCK_MS / 1000 + 0.1
    assert await setup.fetch() == "token"


@pytest.mark.parametrize("answer", [says(429, Retry_After="600"), says(400, {"error": "invalid_client"})])
async def test_a_correction_of_the_platform_ends_the_waiting_for_each_scope_and_drops_tokens(setup, answer):
    setup.tokens.corrected(CONSUMER, 0)
    setup.server.answers = [gives("old"), answer, gives("new")]
    await setup.fetch()
    await failure_of(setup, RESULTS)
    setup.tokens.corrected(CONSUMER, 0)
    setup.tokens.corrected(CONSUMER + 1, START)
    assert (setup.usable(), setup.tokens.is_paused(CONSUMER, RESULTS)) == ("old", True)
    setup.tokens.corrected(CONSUMER, START)
    assert (setup.usable(), setup.tokens.is_paused(CONSUMER, RESULTS)) == (None, False)
    assert [await setup.fetch(), await setup.fetch(RESULTS)] == ["new", "new"]
    # A row that was read before the correction says nothing new.
    setup.tokens.corrected(CONSUMER, 0)
    setup.tokens.corrected(CONSUMER, START)
    assert setup.usable() == "new"


async def test_what_a_request_from_before_a_correction_finds_says_nothing_after_it(setup):
    setup.keys.append(key("old"))
    refused = says(400, {"error": "invalid_client"})
    setup.server.answers = [refused, gives("first"), refused, refused, gives()]
    found = []
    for number in range(2):
        setup.tokens.corrected(CONSUMER, START + number)
        setup.server.goes_on.clear()
        waiting = asyncio.create_task(setup.fetch())
        await until(lambda number=number: len(setup.server.asked) > 2 * number)
        setup.tokens.corrected(CONSUMER, START + number + 1)
        setup.server.goes_on.set()
        found.append((await waiting, list(setup.noted)))
    assert found == [("first", []), ("token", ["new"])], "who waits learns what holds since"
    assert [asked.header["kid"] for asked in setup.server.asked] == ["new", "old"] * 2 + ["new"], "a key is blamed"


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
