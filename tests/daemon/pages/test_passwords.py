"""Passwords: whose hash they are, and hashes that were made with parameters of before."""

import pytest
from argon2 import PasswordHasher

from daemon.pages.passwords import MAX_LOGINS, BusyError, PasswordVerifier, hash_password
from models.web_user import WebUser, renew_hash, set_web_user
from tests.daemon.pages.conftest import PASSWORD
from tests.daemon.why.story import NOW

#: As it may have been made before the parameters were raised.
WEAKER = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)


@pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$v=19$m=8,t=1,p=1$"])
@pytest.mark.parametrize("password", ["", "no hash", "a password that no user has", PASSWORD])
async def test_no_password_is_right_where_there_is_none(stored, password):
    assert not await PasswordVerifier().verify(password, stored)


async def test_only_so_many_wait_for_their_turn():
    verifier = PasswordVerifier()
    async with verifier._one_at_a_time:
        verifier._waiting = MAX_LOGINS
        with pytest.raises(BusyError):
            await verifier.verify(PASSWORD, None)


async def test_a_hash_of_before_is_renewed_and_a_new_one_is_not():
    verifier = PasswordVerifier()
    assert await verifier.renewed(PASSWORD, hash_password(PASSWORD)) is None
    renewed = await verifier.renewed(PASSWORD, WEAKER.hash(PASSWORD))
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await verifier.verify(PASSWORD, renewed)


async def test_a_log_in_renews_the_hash_and_ends_no_session(anna, stranger):
    await WebUser.filter(name="anna").update(password_hash=WEAKER.hash(PASSWORD))
    before = await WebUser.get(name="anna")
    await stranger.log_in("anna")
    after = await WebUser.get(name="anna")
    assert after.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert after.session_key == before.session_key
    assert (await anna.get("/"))[0] == 200
    await stranger.log_in("anna")
    assert (await WebUser.get(name="anna")).password_hash == after.password_hash, "once"


async def test_a_wrong_password_renews_nothing(stranger, users):
    await WebUser.filter(name="anna").update(password_hash=WEAKER.hash(PASSWORD))
    before = await WebUser.get(name="anna")
    await stranger.ask("POST", "/login", data={"name": "anna", "password": "another password"})
    assert (await WebUser.get(name="anna")).password_hash == before.password_hash


async def test_a_password_that_was_changed_meanwhile_stays(users):
    before = await WebUser.get(name="anna")
    await set_web_user("anna", "operator", "the hash of another", now=NOW)
    await renew_hash(before, "renewed")
    assert (await WebUser.get(name="anna")).password_hash == "the hash of another"
