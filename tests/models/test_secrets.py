"""Consumers' secrets: who is locked out, sealing anew, and the change from one secret to the next."""

from __future__ import annotations

import pytest
from models.attempt import address

from models import consumer_admin
from models.consumer import LtiConsumer
from models.encryption import SEALED, Cipher, UndecryptableError, new_key
from models.secrets import count_unsealed, locked_out, promote, reseal, take_turns
from tests.models.rows import make_assignment, make_service

OLD, NEW = Cipher([new_key()]), Cipher([new_key()])
NOW = 1_000_000

pytestmark = pytest.mark.usefixtures("empty_database")


async def stored() -> tuple[str, str | None, bool]:
    consumer = await LtiConsumer.get(consumer_key="key")
    return consumer.consumer_secret, consumer.pending_secret, consumer.pending_turn


async def add(name: str, secret: str) -> None:
    await consumer_admin.add(name, name, secret, guid=None, now=NOW)


async def test_whoever_cannot_be_read_is_named():
    await add("plain", "s")
    await add("sealed", OLD.encrypt("s"))
    await add("pending", OLD.encrypt("s"))
    await consumer_admin.pend("pending", NEW.encrypt("t"))
    assert await locked_out(OLD) == ["pending"]
    assert await locked_out(NEW) == ["pending", "sealed"]
    assert await locked_out(Cipher()) == ["pending", "sealed"]


async def test_every_secret_is_sealed_with_the_newest_key():
    await add("plain", "one")
    await add("sealed", OLD.encrypt("two"))
    await consumer_admin.pend("sealed", OLD.encrypt("three"))
    keys = [new_key()]
    both = Cipher(keys)
    both._fernets += OLD._fernets
    assert await count_unsealed(both) == 2
    assert await reseal(both) == 3
    assert await reseal(both) == await count_unsealed(both) == 0
    newest = Cipher(keys)
    rows = await LtiConsumer.all().order_by("consumer_name")
    assert [newest.decrypt(row.consumer_secret) for row in rows] == ["one", "two"]
    assert newest.decrypt(rows[1].pending_secret) == "three"
    assert all(row.consumer_secret.startswith(SEALED) for row in rows)


async def test_a_secret_that_cannot_be_read_keeps_all_as_they_are():
    await add("plain", "one")
    await add("sealed", OLD.encrypt("two"))
    with pytest.raises(UndecryptableError):
        await reseal(NEW)
    assert [row.consumer_secret for row in await LtiConsumer.filter(consumer_name="plain")] == ["one"]


async def test_after_a_refusal_it_is_the_turn_of_the_other_secret_whoever_finds_it_first():
    service = await make_service()
    assignment = await make_assignment(service)
    consumer_id = service.lti_consumer_id
    await take_turns(consumer_id, refused_pending=False)
    assert await stored() == ("secret", None, False), "there is no other"
    await consumer_admin.pend("key", "next")
    used = await address(assignment, now=NOW)
    assert (used.consumer_secret, used.pending, used.uses_pending) == ("secret", "next", False)
    for _ in range(2):  # two requests were under way
        await take_turns(consumer_id, refused_pending=False)
    used = await address(assignment, now=NOW)
    assert (used.consumer_secret, used.uses_pending) == ("next", True)
    await take_turns(consumer_id, refused_pending=True)
    assert await stored() == ("secret", "next", False)


async def test_what_the_campus_accepts_becomes_the_secret_once():
    service = await make_service()
    await consumer_admin.pend("key", "next")
    await take_turns(service.lti_consumer_id, refused_pending=False)
    assert not await promote(service.lti_consumer_id, "another one")
    assert await promote(service.lti_consumer_id, "next")
    assert not await promote(service.lti_consumer_id, "next")
    assert await stored() == ("next", None, False)


async def test_a_secret_that_is_set_ends_the_pending_one():
    await make_service()
    await consumer_admin.pend("key", "next")
    await consumer_admin.add("campus", "key", "newest", guid=None, now=NOW)
    assert await stored() == ("newest", None, False)


async def test_a_pending_secret_is_for_a_consumer_that_is_there():
    with pytest.raises(consumer_admin.ConsumerError, match="there is no consumer with the key 'nobody'"):
        await consumer_admin.pend("nobody", "s")
