"""What is sent in numbers, or slowly, keeps no rightful user out: from elsewhere they get in at once."""

import asyncio
from contextlib import AsyncExitStack
from itertools import cycle

import pytest
from argon2 import PasswordHasher

from daemon.pages.login_limit import FAILURES, SECONDS_EACH
from daemon.pages.passwords import MAX_LOGINS, PasswordVerifier
from daemon.pages.serving import CHANGES, STRANGERS
from daemon.web.server import MAX_OPEN
from models.web_user import WebUser
from tests.daemon.pages.attacks.attack import Attack, sent
from tests.daemon.pages.attacks.proxies import KNOWN
from tests.daemon.pages.attacks.wire import PATIENCE, connection, exchange
from tests.daemon.pages.conftest import PASSWORD
from tests.daemon.pages.proxied import passed_on

#: Log-ins that an attacker tries within a minute.
ATTEMPTS, MINUTE = 10_000, 60
#: Takes no time, so that ten thousand addresses can be had.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

SLOW = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n{more}\r\n"


@pytest.mark.parametrize("path", ["/login", "/logout", "/quarantine/drop"])
@pytest.mark.parametrize("more", ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"])
async def test_forms_that_never_end_take_no_ones_turn(anna, stranger, path, more):
    port, (cookie,) = stranger.session._base_url.port, anna.session.cookie_jar
    more += f"Cookie: {cookie.key}={cookie.value}\r\n"
    async with AsyncExitStack() as stack:
        for _ in range(2 * (STRANGERS + CHANGES)):
            _, writer = await stack.enter_async_context(connection(port))
            writer.write(SLOW.format(path=path, more=more).encode())
            await writer.drain()
        assert (await stranger.get("/livez"))[0] == 200
        assert (await stranger.get("/static/style.css"))[0] == 200
        await stranger.log_in()
        await stranger.get("/")
        assert (await stranger.post("/logout"))[0] == 303


@pytest.fixture
def verifier():
    return PasswordVerifier(QUICK)


@pytest.fixture
async def flooded(scene):
    """Tries wrong passwords, each from the next address, within a minute; the statuses, by how many there were."""
    scene.proxy_of_addresses()
    await WebUser.filter(name="anna").update(password_hash=QUICK.hash(PASSWORD))
    forms = cycle(
        Attack("", sent("/login", f"name={name}&password=wrong", KNOWN, "X-Forwarded-For: «from»"), ())
        for name in ("anna", "ben-who-is-none", "anna%00")
    )

    async def flooded(addresses):
        counted = {}
        for address, form in zip(addresses, forms, strict=False):
            scene.clock.seconds += MINUTE / ATTEMPTS
            answer = await exchange(scene.port, form.data(scene.values | {"from": address}))
            counted[answer.statuses] = counted.get(answer.statuses, 0) + 1
        return counted

    return flooded


async def log_in(browser, address):
    given = {"name": "anna", "password": PASSWORD}
    status, _ = await browser.ask("POST", "/login", data=given, headers=passed_on(X_Forwarded_For=address))
    return status


async def test_ten_thousand_log_ins_a_minute_from_one_address(anna, stranger, flooded, clock):
    counted = await flooded(["203.0.113.7"] * ATTEMPTS)
    tried = counted.pop((403,))
    assert FAILURES <= tried <= FAILURES + MINUTE / SECONDS_EACH
    assert counted == {(429,): ATTEMPTS - tried}
    assert (await anna.get("/", headers=passed_on()))[0] == 200, "sessions go on"
    assert await log_in(stranger, "203.0.113.8") == 303, "at once from elsewhere"
    clock.seconds += SECONDS_EACH
    assert await log_in(stranger, "203.0.113.7") == 303, "and from there within the limit"


async def test_ten_thousand_log_ins_a_minute_from_as_many_addresses(anna, stranger, flooded):
    addresses = [f"10.{number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(ATTEMPTS)]
    assert await flooded(addresses) == {(403,): ATTEMPTS}
    assert (await anna.get("/", headers=passed_on()))[0] == 200, "sessions go on"
    assert await log_in(stranger, "203.0.113.8") == 303, "at once from elsewhere"
    assert await log_in(stranger, addresses[-1]) == 303, "and from one of them"


async def test_log_ins_that_wait_for_their_turn_hold_up_nothing_else(stranger, scene, verifier):
    form = Attack("", sent("/login", "name=anna&password=wrong"), ()).data(scene.values)
    async with verifier._one_at_a_time:
        waiting = [asyncio.create_task(exchange(scene.port, form)) for _ in range(3 * MAX_LOGINS)]
        done, held = set(), set(waiting)
        while len(held) > MAX_LOGINS:
            finished, held = await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
            done |= finished
        assert {one.result().statuses for one in done} == {(429,)}, "they are asked to come back"
        assert (await stranger.get("/static/style.css"))[0] == 200
        assert (await stranger.get("/login"))[0] == 200
    assert {one.statuses for one in await asyncio.gather(*held)} == {(403,)}
    await stranger.log_in()


async def test_passwords_that_are_tried_at_once_count_one_by_one(scene, verifier):
    form = Attack("", sent("/login", "name=anna&password=wrong"), ()).data(scene.values)
    for _ in range(FAILURES - 1):
        assert (await exchange(scene.port, form)).statuses == (403,)
    answers = await asyncio.gather(*(exchange(scene.port, form) for _ in range(MAX_LOGINS)))
    assert sorted(one.statuses for one in answers) == [(403,)] + [(429,)] * (MAX_LOGINS - 1)


async def test_log_ins_that_were_sent_away_count_for_nothing(stranger, scene, verifier):
    form = Attack("", sent("/login", "name=anna&password=wrong"), ()).data(scene.values)
    async with verifier._one_at_a_time:
        verifier._waiting = MAX_LOGINS
        for _ in range(2 * FAILURES):
            assert (await exchange(scene.port, form)).statuses == (429,)
        verifier._waiting = 0
    await stranger.log_in()


async def test_the_addresses_of_one_network_of_ipv6_are_one(stranger, flooded):
    counted = await flooded([f"2001:db8:1:2::{number:x}" for number in range(100)])
    assert counted == {(403,): FAILURES, (429,): 100 - FAILURES}
    assert await log_in(stranger, "2001:db8:1:3::1") == 303


async def test_connections_that_say_nothing_keep_no_one_out(scene, stranger):
    async with AsyncExitStack() as stack:
        for number in range(2 * MAX_OPEN):
            _, writer = await stack.enter_async_context(connection(scene.port))
            writer.write(b"GET /login HTTP/1.1\r\nHost: loc" if number % 2 else b"")
        await stranger.log_in()
        assert (await stranger.get("/"))[0] == 200
