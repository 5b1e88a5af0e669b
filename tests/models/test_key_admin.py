"""Making, listing and withdrawing signing keys."""

import asyncio

import pytest

from models.consumer import LtiConsumer
from models.encryption import Cipher, new_key
from models.key_admin import (
    KeyRefusedError,
    ensure_key,
    find_key,
    is_last_that_signs,
    key_listing,
    make_signing_key,
    withdraw_key,
)
from models.secrets import PlaintextRefusedError
from models.tool_key import KEPT_MS, ToolKey, signing_keys

pytestmark = pytest.mark.usefixtures("empty_database")

NOW, AHEAD = 1_000_000, 86_400_000
CIPHER = Cipher([new_key()])


async def make(now=NOW):
    return await make_signing_key(CIPHER, now=now, ahead_ms=AHEAD)


async def signing(now=NOW):
    return [key.kid for key in await signing_keys(now)]


async def states(now):
    return [one["state"] for one in await key_listing(now)]


async def test_the_first_key_signs_at_once_and_a_later_one_when_platforms_know_it():
    first, second = await make(), await make()
    assert (first.signs_from, second.signs_from) == (NOW, NOW + AHEAD)
    assert await signing() == [first.kid]
    assert await signing(NOW + AHEAD) == [second.kid, first.kid]


async def test_two_first_keys_at_once_do_not_both_sign_at_once():
    made = await asyncio.gather(make(), make())
    assert sorted(key.signs_from for key in made) == [NOW, NOW + AHEAD]


async def test_the_first_key_is_made_once():
    made = await ensure_key(CIPHER, now=NOW)
    assert made is not None
    assert await ensure_key(CIPHER, now=NOW) is None
    assert await signing() == [made.kid]
    await withdraw_key(made.kid, now=NOW)
    assert await ensure_key(CIPHER, now=NOW) is not None


async def test_a_key_after_none_is_left_signs_at_once():
    await withdraw_key((await make()).kid, now=NOW)
    later = await make()
    assert await signing() == [later.kid]


async def test_a_withdrawn_key_signs_no_more_and_its_private_half_is_gone():
    first, second = await make(), await make(NOW - AHEAD)
    assert await withdraw_key(second.kid, now=NOW) is None
    assert await signing() == [first.kid]
    row = await ToolKey.get(kid=second.kid)
    assert (row.private_pem, row.withdrawn_at) == ("", NOW)


async def test_where_the_last_one_that_signs_is_withdrawn_the_next_one_signs_at_once():
    first, second, third = await make(), await make(), await make(NOW + 5)
    assert await is_last_that_signs(first.kid, now=NOW)
    assert not await is_last_that_signs(second.kid, now=NOW)
    assert await withdraw_key(first.kid, now=NOW) == second.kid
    assert await signing() == [second.kid]
    assert await signing(NOW + 5 + AHEAD) == [third.kid, second.kid]


@pytest.mark.parametrize("kid", ["unknown", "k" * 65])
async def test_an_unknown_key_says_where_to_look(kid):
    for work in (find_key(kid), withdraw_key(kid, now=NOW)):
        with pytest.raises(KeyRefusedError, match=r"there is no key .*passbackd keys list"):
            await work


async def test_a_key_is_withdrawn_once():
    made = await make()
    await withdraw_key(made.kid, now=NOW)
    with pytest.raises(KeyRefusedError, match="withdrawn already"):
        await withdraw_key(made.kid, now=NOW + 1)


async def test_no_private_key_is_stored_as_it_is_once_a_key_has_been_used():
    await make()
    with pytest.raises(PlaintextRefusedError):
        await make_signing_key(Cipher(), now=NOW, ahead_ms=AHEAD)
    assert await ToolKey.all().count() == 1


async def test_the_list_says_what_becomes_of_each_key_and_who_accepted_it_last():
    first, second = await make(), await make()
    for name, kid in (("b", first.kid), ("a", first.kid), ("c", second.kid), ("d", None)):
        await LtiConsumer.create(consumer_name=name, consumer_key=name, consumer_secret="", signing_kid=kid)
    assert await key_listing(NOW) == [
        {
            "kid": first.kid,
            "state": "signs",
            "created_at": NOW,
            "signs_from": NOW,
            "published_until": NOW + AHEAD + KEPT_MS,
            "withdrawn_at": None,
            "platforms": ["a", "b"],
        },
        {
            "kid": second.kid,
            "state": "published",
            "created_at": NOW,
            "signs_from": NOW + AHEAD,
            "published_until": None,
            "withdrawn_at": None,
            "platforms": ["c"],
        },
    ]
    assert await states(NOW + AHEAD) == ["kept", "signs"]
    assert await states(NOW + AHEAD + KEPT_MS) == ["retired", "signs"]
    await withdraw_key(first.kid, now=NOW + AHEAD)
    assert await states(NOW + AHEAD) == ["withdrawn", "signs"]


@pytest.mark.parametrize("other_keys", [Cipher([new_key()]), Cipher([])])
async def test_no_key_is_made_beside_one_that_these_secrets_keys_do_not_read(other_keys):
    first = await make()
    with pytest.raises((KeyRefusedError, PlaintextRefusedError), match="give this command the keys that the daemon"):
        await make_signing_key(other_keys, now=NOW, ahead_ms=AHEAD)
    assert await signing() == [first.kid]
    await withdraw_key(first.kid, now=NOW)
    if other_keys.has_key:
        assert await make_signing_key(other_keys, now=NOW, ahead_ms=AHEAD)
